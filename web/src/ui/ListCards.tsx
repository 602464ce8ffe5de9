import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Avatar } from "./Avatar";
import type { Listed, ListView, RowsProps } from "./ListPage";

const CARD = 65;
const AHEAD = 8;

/** A list on a phone: name and one line of detail, the whole card to touch. */
export function ListCards<Row extends Listed>({ view, rows, onEnd }: RowsProps<Row>) {
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => CARD,
    overscan: AHEAD,
  });
  const visible = virtual.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD) onEnd();
  });
  return (
    <div className="cards card" ref={frame} tabIndex={0} role="region" aria-label={view.title}>
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {visible.map(({ index, start }) => (
          <div key={rows[index]!.id} ref={virtual.measureElement} data-index={index} style={{ position: "absolute", top: start, left: 0, right: 0 }}>
            <Card view={view} row={rows[index]!} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Card<Row extends Listed>({ view, row }: { view: ListView<Row>; row: Row }) {
  const name = view.nameOf(row);
  const path = view.pathOf?.(row);
  const content = (
    <>
      <Avatar name={name} size={34} round={view.object !== "account"} />
      <span className="grow">
        <span className="clip" style={{ display: "block", fontWeight: 600 }} dir="auto">
          {name}
        </span>
        <span className="clip quiet" style={{ display: "block", fontSize: 13 }}>
          {view.detailOf(row)}
        </span>
      </span>
    </>
  );
  return path ? (
    <Link to={path} className="list-card">
      {content}
    </Link>
  ) : (
    <div className="list-card">{content}</div>
  );
}
