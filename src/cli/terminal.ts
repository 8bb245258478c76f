import pc from 'picocolors';
import { EstopError } from '../core/errors.ts';

export type OutputFormat = 'text' | 'json' | 'jsonl';

/** Data goes to stdout, everything said to a person to stderr; a prompt is possible only where both ends are a terminal. */
export interface Terminal {
  readonly format: OutputFormat;
  readonly canAsk: boolean;
  /** May lines on stderr be drawn over? */
  readonly isLive: boolean;
  readonly columns: number;
  readonly paint: Pick<typeof pc, 'bold' | 'dim' | 'green' | 'red' | 'yellow'>;
  data(line: string): void;
  say(line: string): void;
  /** Draws over the lines of the last call. Only where `isLive`. */
  draw(lines: readonly string[]): void;
  /** The next line begins below what was drawn. */
  endDrawing(): void;
  ask(question: string): Promise<string>;
}

export function createTerminal(format: OutputFormat): Terminal {
  const isLive = process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const canAsk = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const paint = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);
  let drawn = 0;
  return {
    format,
    canAsk,
    isLive,
    paint,
    columns: process.stderr.columns || 80, // one that nobody told how wide it is says 0
    data: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    draw: (lines) => {
      const up = drawn === 0 ? '' : `\u001b[${drawn}F`;
      process.stderr.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`);
      drawn = lines.length;
    },
    endDrawing: () => {
      drawn = 0;
    },
    ask: async (question) => {
      if (!canAsk) throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
      const { createInterface } = await import('node:readline/promises');
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await prompt.question(question);
      } catch {
        process.stderr.write('\n'); // Ctrl-C and Ctrl-D are a no
        return '';
      } finally {
        prompt.close();
      }
    },
  };
}
