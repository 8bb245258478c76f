/** What can be drawn over again: no line that wraps, and never more lines than the screen keeps above the cursor's own. */
export function fitScreen(lines: readonly string[], columns: number, rows: number): readonly string[] {
  const most = Math.max(1, rows - 1);
  const hidden = lines.length - most + 1;
  const shown =
    hidden < 2 ? lines : [...lines.slice(0, most - 1), `… ${hidden} more lines, which this window has no room for`];
  return shown.map((line) => fitLine(line, columns));
}

/** Colour codes do not count: they are ours alone, for the text was made visible before. */
function fitLine(line: string, columns: number): string {
  const length = line.replace(/\u001b\[\d+m/g, '').length;
  return length < columns ? line : `${line.slice(0, Math.max(1, columns - 2))}…\u001b[0m`;
}
