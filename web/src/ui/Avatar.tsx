const COLOURS = ["#7a3fc4", "#a8280f", "#0f7a5c", "#2449cf", "#8a5a00", "#0a6b86", "#a82464", "#4b545f"];

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => Array.from(word)[0]?.toLocaleUpperCase() ?? "").join("");
}

function colourOf(name: string): string {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) % 9973;
  return COLOURS[sum % COLOURS.length]!;
}

export function Avatar({ name, size = 24, round = false }: { name: string; size?: number; round?: boolean }) {
  const style = { "--c": colourOf(name), width: size, height: size, fontSize: size * 0.4 } as React.CSSProperties;
  return (
    <span className={round ? "avatar round" : "avatar"} style={style} aria-hidden>
      {initials(name)}
    </span>
  );
}
