/** What a terminal shows after these bytes: the little of a terminal that our own command line uses, and an error for anything else. */
export interface Cell {
  readonly char: string;
  readonly style: Style;
}
export interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly colour: 'red' | 'green' | 'yellow' | undefined;
}

const plain: Style = { bold: false, dim: false, colour: undefined };
const colours: Readonly<Record<string, Style['colour']>> = {
  31: 'red',
  32: 'green',
  33: 'yellow',
  39: undefined,
};

export function screenAfter(bytes: string): readonly (readonly Cell[])[] {
  const rows: Cell[][] = [[]];
  let row = 0;
  let column = 0;
  let style = plain;
  const control = (code: string, letter: string): void => {
    switch (letter) {
      case 'm':
        style = restyled(style, code);
        return;
      case 'F':
        row = Math.max(0, row - Number(code || '1'));
        column = 0;
        return;
      case 'K':
        if (code !== '2') throw new Error(`a terminal that knows no ESC[${code}K`);
        rows[row] = [];
        return;
      case 'J':
        rows.splice(row, Infinity, (rows[row] ?? []).slice(0, column));
        return;
      default:
        throw new Error(`a terminal that knows no ESC[${code}${letter}`);
    }
  };
  for (const [part, code = '', letter = ''] of bytes.matchAll(/\u001b\[([\d;]*)([A-Za-z])|[\s\S]/gu)) {
    if (letter !== '') control(code, letter);
    else if (part === '\r') column = 0;
    else if (part === '\n') {
      row += 1;
      column = 0;
      rows[row] ??= [];
    } else {
      const line = rows[row] ?? [];
      while (line.length < column) line.push({ char: ' ', style: plain });
      line[column] = { char: part, style };
      rows[row] = line;
      column += 1;
    }
  }
  while (rows.length > 0 && rows.at(-1)?.length === 0) rows.pop();
  return rows;
}

function restyled(style: Style, code: string): Style {
  switch (code) {
    case '':
    case '0':
      return plain;
    case '1':
      return { ...style, bold: true };
    case '2':
      return { ...style, dim: true };
    case '22':
      return { ...style, bold: false, dim: false };
    default:
      if (!(code in colours)) throw new Error(`a terminal that knows no ESC[${code}m`);
      return { ...style, colour: colours[code] };
  }
}
