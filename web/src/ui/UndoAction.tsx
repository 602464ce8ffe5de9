import { Button } from "@mantine/core";

export function undoAction(message: string, label: string, onUndo: () => void) {
  return (
    <span className="row">
      <span className="grow">{message}</span>
      <Button variant="subtle" onClick={onUndo}>
        {label}
      </Button>
    </span>
  );
}
