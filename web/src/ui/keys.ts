import { useEffect, useRef } from "react";

export type Keys = Record<string, () => void>;

const CHAIN_LASTS = 1200;
const TYPING = "input, textarea, select, [contenteditable=true]";

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as Element | null;
  return Boolean(target?.closest?.(TYPING)) || Boolean(document.querySelector("[role=dialog]"));
}

/** `g h` is two keys one after the other, `shift+d` two at once. Bound to the window, whatever has the focus. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    let first = "";
    let until = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const key = event.shiftKey && /^[a-z]$/i.test(event.key) ? `shift+${event.key.toLowerCase()}` : event.key;
      const chain = Date.now() < until ? `${first} ${key}` : "";
      const run = current.current[chain] ?? current.current[key];
      first = key;
      until = Date.now() + CHAIN_LASTS;
      if (!run) return;
      event.preventDefault();
      until = 0;
      run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
