import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { memo, type ReactNode, useEffect, useRef } from "react";
import type { ListSearch } from "@/api/queries/lists";
import { type Field, useFieldWords } from "@/meta/fields";
import { FieldView } from "@/meta/FieldView";
import { nextSort } from "@/meta/search";
import { Avatar } from "./Avatar";
import type { Listed, ListView, RowsProps } from "./ListPage";

const AHEAD = 12;
const ROW = 42;

interface Props<Row extends Listed> extends RowsProps<Row> {
  search: ListSearch;
  onSearch: (search: ListSearch) => void;
}

/** Only the rows in sight are in the page, so that fifty thousand scroll like fifty. */
export function ListTable<Row extends Listed>(props: Props<Row>) {
  const { view, rows, columns, current, onEnd, onOpen } = props;
  const frame = useRef<HTMLDivElement>(null);
  const rowHeight = document.documentElement.dataset.density === "compact" ? 32 : ROW;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: AHEAD,
  });
  const visible = virtual.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD) onEnd();
  });
  useEffect(() => {
    if (current >= 0) virtual.scrollToIndex(current);
  }, [current, virtual]);
  const before = visible[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (visible.at(-1)?.end ?? 0);
  return (
    <div className="grid-wrap" ref={frame} tabIndex={0} role="region" aria-label={view.title}>
      <table className="grid" aria-rowcount={rows.length + 1}>
        <Head {...props} />
        <tbody>
          <Gap height={before} />
          {visible.map(({ index }) => (
            <Line key={rows[index]!.id} view={view} row={rows[index]!} columns={columns} index={index} isCurrent={index === current} onOpen={onOpen} />
          ))}
          <Gap height={after} />
        </tbody>
      </table>
    </div>
  );
}

function Gap({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr className="gap" aria-hidden>
      <td style={{ height }} />
    </tr>
  );
}

const NAME_FIELD = { account: "name", contact: "last_name", lead: "last_name" };

function Head<Row extends Listed>({ view, columns, search, onSearch }: Props<Row>) {
  const words = useFieldWords();
  const name = { name: NAME_FIELD[view.object], label: view.title, sortable: true } as Field;
  return (
    <thead>
      <tr>
        {[name, ...columns].map((field, position) => (
          <Heading key={field.name} label={position ? words.label(field) : view.title} field={field} isFirst={position === 0} search={search} onSearch={onSearch} />
        ))}
      </tr>
    </thead>
  );
}

interface HeadingProps {
  field: Field;
  label: string;
  isFirst: boolean;
  search: ListSearch;
  onSearch: (search: ListSearch) => void;
}

function Heading({ field, label, isFirst, search, onSearch }: HeadingProps) {
  const isUp = search.sort === field.name;
  const isDown = search.sort === `-${field.name}`;
  const direction = isUp ? "ascending" : isDown ? "descending" : undefined;
  const turn = () => onSearch({ ...search, sort: nextSort(search.sort, field.name) });
  return (
    <th className={isFirst ? "first" : undefined} aria-sort={direction} scope="col">
      {field.sortable ? (
        <button type="button" className="plain sort" onClick={turn}>
          {label}
          {isUp && <IconArrowUp size={13} aria-hidden />}
          {isDown && <IconArrowDown size={13} aria-hidden />}
        </button>
      ) : (
        label
      )}
    </th>
  );
}

interface LineProps<Row extends Listed> {
  view: ListView<Row>;
  row: Row;
  columns: Field[];
  index: number;
  isCurrent: boolean;
  onOpen: (row: Row) => void;
}

const Line = memo(function Line<Row extends Listed>({ view, row, columns, index, isCurrent, onOpen }: LineProps<Row>) {
  return (
    <tr data-current={isCurrent || undefined} aria-rowindex={index + 2} onDoubleClick={() => onOpen(row)}>
      <td>
        <Name view={view} row={row} />
      </td>
      {columns.map((field) => (
        <td key={field.name}>{view.cells?.[field.name]?.(row) ?? <FieldView field={field} value={row[field.name as keyof Row]} />}</td>
      ))}
    </tr>
  );
}) as <Row extends Listed>(props: LineProps<Row>) => ReactNode;

export function Name<Row extends Listed>({ view, row }: { view: ListView<Row>; row: Row }) {
  const name = view.nameOf(row);
  const path = view.pathOf?.(row);
  return (
    <span className="row">
      <Avatar name={name} round={view.object !== "account"} />
      {path ? (
        <Link to={path} className="link clip" dir="auto" title={name}>
          {name}
        </Link>
      ) : (
        <span className="clip" style={{ fontWeight: 560 }} dir="auto" title={name}>
          {name}
        </span>
      )}
    </span>
  );
}
