import type { Cell, Style } from './screen.ts';

const character = { width: 8.4, height: 20 };
const edge = { side: 20, top: 44, bottom: 20 };
const fills = { red: '#ff7b72', green: '#56d364', yellow: '#e3b341' } as const;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Text, not a photograph: it stays sharp and can be searched and copied. No font is fetched. */
export function terminalSvg(rows: readonly (readonly Cell[])[], columns: number, title: string): string {
  const width = Math.ceil(columns * character.width + 2 * edge.side);
  const height = Math.ceil(rows.length * character.height + edge.top + edge.bottom);
  const lines = rows.map((row, index) => lineOf(row, edge.top + (index + 1) * character.height - 5));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="#161b22"/>
<g fill="#484f58"><circle cx="24" cy="22" r="6"/><circle cx="44" cy="22" r="6"/><circle cx="64" cy="22" r="6"/></g>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#c9d1d9">
${lines.filter((line) => line !== '').join('\n')}
</g>
</svg>
`;
}

/** One piece for each change of style, each at its own place and as long as it must be: whatever the font, columns stay columns. */
function lineOf(row: readonly Cell[], y: number): string {
  const pieces: { readonly at: number; readonly style: Style; text: string }[] = [];
  row.forEach(({ char, style }, at) => {
    const last = pieces.at(-1);
    if (last !== undefined && sameStyle(last.style, style)) last.text += char;
    else pieces.push({ at, style, text: char });
  });
  return pieces
    .flatMap(({ at, style, text }) =>
      // Not every viewer keeps spaces, so what more than one of them parts is placed by itself.
      Array.from(text.matchAll(/\S+(?: \S+)*/g), (found) => ({ at: at + found.index, style, text: found[0] })),
    )
    .map(({ at, style, text }) => {
      const x = (edge.side + at * character.width).toFixed(1);
      const length = (text.length * character.width).toFixed(1);
      return `<text x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${attributesOf(style)}>${escaped(text)}</text>`;
    })
    .join('');
}

function attributesOf({ bold, dim, colour }: Style): string {
  const fill = colour === undefined ? '' : ` fill="${fills[colour]}"`;
  return `${fill}${bold ? ' font-weight="bold"' : ''}${dim ? ' fill-opacity="0.6"' : ''}`;
}

const sameStyle = (one: Style, other: Style): boolean =>
  one.bold === other.bold && one.dim === other.dim && one.colour === other.colour;
