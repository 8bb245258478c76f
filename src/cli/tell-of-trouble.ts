import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { visible } from './visible.ts';

const lookMs = 500;
const warning = 40;
const failure = 50;
/** The same trouble is told once in this time, and ever less often while it lasts; what somebody has just done to the configuration is told each time they do it. */
const quietMs = 60_000;
const quietAtMostMs = 60 * quietMs;
const quietAfterEditMs = 2_000;
const atMostBytes = 256 * 1024;
/** Whose it is makes no other trouble of it: of nine credentials that cannot be cut off for one reason, one is told. */
const sameTrouble = ['event', 'msg', 'code', 'server', 'model', 'connector', 'activity', 'phase'];
const notDetails = new Set(['level', 'time', 'process', 'event', 'msg']);

/**
 * Whoever runs everything in one terminal learns there what goes wrong: warnings and errors of every process, as they are written, and
 * that a changed configuration was read. Returns what ends it.
 */
export function tellOfTrouble(folder: string, say: (line: string) => void): () => void {
  const ends = new Map(logsIn(folder).map((path) => [path, sizeOf(path)] as const));
  const told = new Map<string, { readonly at: number; readonly quietMs: number }>();
  const look = (): void => {
    for (const path of logsIn(folder)) {
      const { text, end } = readOn(path, ends.get(path) ?? 0);
      ends.set(path, end);
      for (const line of text.split('\n')) tell(line);
    }
  };
  const lookIfPossible = (): void => {
    try {
      look();
    } catch {
      // A log that is being moved away, or cannot be opened just now: the next look finds what is there.
    }
  };
  const tell = (line: string): void => {
    const entry = entryOf(line);
    if (entry === undefined || !concernsPeople(entry)) return;
    const words = wordsOf(entry);
    const key = JSON.stringify([...sameTrouble.map((name) => entry[name]), ...words.slice(1)]);
    const last = told.get(key);
    if (last !== undefined && Date.now() - last.at < last.quietMs) return;
    if (told.size > 1_000) told.clear();
    const next = last === undefined ? quietMs : Math.min(2 * last.quietMs, quietAtMostMs);
    told.set(key, { at: Date.now(), quietMs: isOfConfig(entry) ? quietAfterEditMs : next });
    const [first = '', ...more] = words;
    say(`${visible(String(entry['process']))}: ${first}`);
    for (const one of more) say(`  ${one}`);
  };
  const timer = setInterval(lookIfPossible, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

type Entry = Readonly<Record<string, unknown>>;

const isOfConfig = ({ event }: Entry): boolean => String(event).startsWith('config.');
/** A warning without a name is of the SDK, which repeats what we have said. */
const concernsPeople = ({ level, event }: Entry): boolean =>
  Number(level) >= (event === undefined ? failure : warning) || event === 'config.reloaded';

/** What happened, and below it where: nothing of it is a secret, because it stands in a log. */
function wordsOf(entry: Entry): readonly string[] {
  const { faults, msg, event } = entry;
  const details = Object.entries(entry)
    .filter(([name, value]) => !notDetails.has(name) && ['string', 'number', 'boolean'].includes(typeof value))
    // Of a trace the first line says what; the rest is for whoever reads the log.
    .map(([name, value]) => `${name} ${String(value).split('\n', 1)[0]}`);
  const first = [String(msg ?? event), ...(details.length === 0 ? [] : [`(${details.join(', ')})`])].join(' ');
  return [visible(first), ...(Array.isArray(faults) ? faults.map((fault: unknown) => visible(faultLine(fault))) : [])];
}

function faultLine(fault: unknown): string {
  const { line, column, where, message } = Object(fault) as Entry; // of our own log; whatever is not there is said as such
  return `${String(line)}:${String(column)}  ${String(where)} ${String(message)}`;
}

function entryOf(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Entry; // an object, by its first letter
  } catch {
    return undefined;
  }
}

const logsIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(folder, name));

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Whole lines alone; one that is being written is read the next time. A log that begins anew is read from its beginning. */
function readOn(path: string, from: number): { readonly text: string; readonly end: number } {
  const size = sizeOf(path);
  const start = size < from ? 0 : Math.max(from, size - atMostBytes);
  if (size === start) return { text: '', end: start };
  const bytes = Buffer.alloc(size - start);
  const file = openSync(path, 'r');
  try {
    const read = readSync(file, bytes, 0, bytes.length, start);
    const whole = bytes.subarray(0, read).lastIndexOf(0x0a) + 1;
    return { text: bytes.toString('utf8', 0, whole), end: start + whole };
  } finally {
    closeSync(file);
  }
}
