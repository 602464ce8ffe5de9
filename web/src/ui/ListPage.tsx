import { useInfiniteQuery, type UseInfiniteQueryOptions } from "@tanstack/react-query";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Page } from "@/api/client";
import type { ListSearch } from "@/api/queries/lists";
import { useFormats } from "@/i18n/hooks";
import { type Field, type ObjectName, useFields } from "@/meta/fields";
import { LAYOUTS } from "@/meta/layouts";
import { FilterBar } from "./FilterBar";
import { useKeys } from "./keys";
import { ListCards } from "./ListCards";
import { ListTable } from "./ListTable";
import { Empty, Failed, Loading } from "./States";
import { useNarrow } from "./useNarrow";

export interface Listed {
  id: string;
}

export interface ListView<Row extends Listed> {
  object: ObjectName;
  title: string;
  actions?: ReactNode;
  /** What a row is called, and where a click on it leads; without a path it is only read. */
  nameOf: (row: Row) => string;
  pathOf?: (row: Row) => string;
  /** What a column shows in place of the field's plain value. */
  cells?: Record<string, (row: Row) => ReactNode>;
  detailOf: (row: Row) => string;
  empty: ReactNode;
}

interface Props<Row extends Listed> {
  view: ListView<Row>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the query's key is nobody's business here
  query: UseInfiniteQueryOptions<Page<Row>, Error, any, any, any>;
  search: ListSearch;
  onSearch: (search: ListSearch) => void;
  onOpen: (row: Row) => void;
}

export interface RowsProps<Row extends Listed> {
  view: ListView<Row>;
  rows: Row[];
  columns: Field[];
  current: number;
  onEnd: () => void;
  onOpen: (row: Row) => void;
}

/** Every list of the application: quick filter, chips, order, rows page by page, keys, cards on a phone. */
export function ListPage<Row extends Listed>({ view, query, search, onSearch, onOpen }: Props<Row>) {
  const { t } = useTranslation();
  const isNarrow = useNarrow();
  const asked = useInfiniteQuery(query);
  const pages = asked.data as { pages: Page<Row>[] } | undefined;
  const rows = useMemo(() => pages?.pages.flatMap((page) => page.items) ?? [], [pages]);
  const columns = useColumns(view.object);
  const [current, setCurrent] = useState(-1);
  const quick = useRef<HTMLInputElement>(null);
  useKeys({
    "/": () => quick.current?.focus(),
    j: () => setCurrent((at) => Math.min(at + 1, rows.length - 1)),
    k: () => setCurrent((at) => Math.max(at - 1, 0)),
    Enter: () => rows[current] && onOpen(rows[current]),
  });
  const onEnd = () => {
    if (asked.hasNextPage && !asked.isFetchingNextPage) void asked.fetchNextPage();
  };
  const Rows = isNarrow ? ListCards<Row> : ListTable<Row>;
  return (
    <div className="page list-page">
      <div className="page-head">
        <h1>{view.title}</h1>
        <span className="grow" />
        {view.actions}
      </div>
      <FilterBar object={view.object} search={search} onSearch={onSearch} quickRef={quick} />
      {asked.error && !pages ? <Failed error={asked.error} retry={() => void asked.refetch()} /> : null}
      {asked.isPending && <Loading />}
      {pages && rows.length === 0 && (isNarrowed(search) ? <Empty title={t("list.nothing_found")}>{t("list.change_filter")}</Empty> : view.empty)}
      {rows.length > 0 && (
        <Rows view={view} rows={rows} columns={columns} current={current} onEnd={onEnd} onOpen={onOpen} search={search} onSearch={onSearch} />
      )}
      <Count shown={rows.length} total={pages?.pages[0]?.total} />
    </div>
  );
}

function Count({ shown, total }: { shown: number; total: number | null | undefined }) {
  const { t } = useTranslation();
  const formats = useFormats();
  if (shown === 0) return null;
  const all = total ?? shown;
  return (
    <div className="list-foot num" aria-live="polite">
      {t("list.count", { count: all, shown: formats.number(shown), all: formats.number(all) })}
    </div>
  );
}

function isNarrowed(search: ListSearch): boolean {
  return Boolean(search.q || search.f?.length);
}

function useColumns(object: ObjectName): Field[] {
  const { t } = useTranslation();
  const fields = useFields(object);
  return LAYOUTS[object].columns.flatMap((name) => fields.find((field) => field.name === name) ?? momentField(name, t));
}

/** Moments that every record has, which a catalogue of what people fill in does not list. */
function momentField(name: string, t: (key: string) => string): Field[] {
  if (!name.endsWith("_at")) return [];
  const nothing = { help: "", max_length: null, options: [], open_set: false, reference: null, ops: [] };
  return [{ ...nothing, name, label: t(`fields.${name}`), kind: "moment", required: false, filterable: true, sortable: true }];
}
