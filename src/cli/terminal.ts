import pc from 'picocolors';
import { EstopError } from '../core/errors.ts';
import { fitScreen } from './fit-screen.ts';
import { visibleJson, visibleLine } from './visible.ts';

export type OutputFormat = 'text' | 'json' | 'jsonl';

/**
 * Data goes to stdout, everything said to a person to stderr; a prompt is possible only where both ends are a terminal. What a server
 * wrote is in most of it, and no line of it acts on the terminal, whatever a command did with it before.
 */
export interface Terminal {
  readonly format: OutputFormat;
  readonly canAsk: boolean;
  /** May lines on stderr be drawn over? */
  readonly isLive: boolean;
  readonly paint: Pick<typeof pc, 'bold' | 'dim' | 'green' | 'red' | 'yellow'>;
  data(line: string): void;
  /** Data of many lines, as it stands; rejects if it could not be written. */
  write(text: string): Promise<void>;
  say(line: string): void;
  /** Draws over the lines of the last call, as much of them as the window has room for. Only where `isLive`. */
  draw(lines: readonly string[]): void;
  /** The next line begins below what was drawn; lines for which there was no room are said now. */
  endDrawing(): void;
  ask(question: string): Promise<string>;
}

export function createTerminal(format: OutputFormat): Terminal {
  const isLive = process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  const canAsk = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const paint = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);
  let drawn = 0;
  let untold: readonly string[] = [];
  const visibleData = format === 'text' ? visibleLine : visibleJson;
  const drawOver = (lines: readonly string[]): void => {
    const up = drawn === 0 ? '' : `\u001b[${drawn}F`;
    process.stderr.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`);
    drawn = lines.length;
  };
  return {
    format,
    canAsk,
    isLive,
    paint,
    data: (line) => void process.stdout.write(`${visibleData(line)}\n`),
    write: (text) =>
      new Promise((resolve, reject) => {
        // A file gets what there is.
        const shown = process.stdout.isTTY === true ? text.split(/\r?\n/).map(visibleLine).join('\n') : text;
        process.stdout.write(shown, (error) => (error ? reject(error) : resolve()));
      }),
    say: (line) => void process.stderr.write(`${visibleLine(line)}\n`),
    draw: (given) => {
      const lines = given.map(visibleLine);
      const { columns, rows } = process.stderr;
      const shown = fitScreen(lines, columns || 80, rows || 24); // one that nobody told its size says 0
      untold = shown.length < lines.length ? lines : [];
      drawOver(shown);
    },
    endDrawing: () => {
      if (untold.length > 0) drawOver(untold);
      untold = [];
      drawn = 0;
    },
    ask: async (question) => {
      if (!canAsk) throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
      const { createInterface } = await import('node:readline/promises');
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await prompt.question(question.split('\n').map(visibleLine).join('\n'));
      } catch {
        process.stderr.write('\n'); // Ctrl-C and Ctrl-D are a no
        return '';
      } finally {
        prompt.close();
      }
    },
  };
}
