import type { Figure } from './figure.ts';

const head = ['figure', 'value', 'rival', 'ratio', 'bar', 'holds'];

/** For people; as wide as what is in it. */
export function tableOf(figures: readonly Figure[]): string {
  const lines = [head, ...figures.map(cellsOf)];
  const widths = head.map((_word, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const asText = (line: readonly string[]): string =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${lines.map(asText).join('\n')}\n`;
}

function cellsOf({ name, value, rival, unit, ratio, bar, holds, rivalName }: Figure): readonly string[] {
  return [name, `${value} ${unit}`, `${rival} ${unit}`, String(ratio), bar, `${holds ? 'yes' : 'NO'}   (${rivalName})`];
}
