type Colour = "grey" | "teal" | "blue" | "violet" | "green" | "red" | "amber";

/** What a value means at a glance; the word beside it says the same. */
const COLOURS: Record<string, Colour> = {
  verified: "green",
  rejected: "red",
  to_verify: "amber",
  "Customer - Direct": "green",
  "Customer - Channel": "green",
  Prospect: "blue",
  Competitor: "grey",
  Hot: "amber",
  Warm: "violet",
  Cold: "teal",
  new: "blue",
  contacted: "teal",
  nurturing: "violet",
  qualified: "green",
  created: "green",
  completed: "green",
  failed: "red",
  duplicate: "amber",
  running: "blue",
};

export function Badge({ value, label }: { value: string; label: string }) {
  const style = { "--c": `var(--${COLOURS[value] ?? "grey"})` } as React.CSSProperties;
  return (
    <span className="badge" style={style}>
      {label}
    </span>
  );
}
