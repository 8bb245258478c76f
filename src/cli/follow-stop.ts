import { setTimeout as pause } from 'node:timers/promises';
import type { StopView } from '../contract/http/stops.ts';
import { errorCodeOf } from '../core/errors.ts';
import type { CliContext } from './context.ts';
import { laneLines, stageLines } from './stop-lines.ts';
import { isConcluded, isWaitingVain, type StopVerdict } from './stop-verdict.ts';
import type { Terminal } from './terminal.ts';

const pollMs = 200;
/** What is drawn over itself is one line a lane, and cut where the window ends. */
const drawnWidth = Number.POSITIVE_INFINITY;
const lanesOnScreen = 12;

/** Follows a stop until it is proved, until waiting is vain, or until the time is over. Undefined: control never told anything. */
export async function followStop(context: CliContext, stopId: string, waitMs: number): Promise<StopView | undefined> {
  const { estop, terminal, now } = context;
  const endsAt = performance.now() + waitMs;
  const leftMs = (): number => endsAt - performance.now();
  const view = createView(terminal, now);
  let latest: StopView | undefined;
  try {
    for (;;) {
      const asked = await read(() => estop.stops.get(stopId));
      if (asked.kind === 'stop') latest = asked.stop;
      view.show(latest, asked.kind === 'away' ? asked.why : undefined);
      if (latest !== undefined && (isConcluded(latest) || isWaitingVain(latest, now() + leftMs()))) return latest;
      if (leftMs() <= 0) return latest;
      await pause(Math.min(pollMs, Math.max(0, leftMs())));
    }
  } finally {
    terminal.endDrawing();
  }
}

type Answer = { readonly kind: 'stop'; readonly stop: StopView } | { readonly kind: 'away'; readonly why: string };

/** Control away, or not knowing the stop yet: both pass. A refusal does not, and the caller hears of it. */
async function read(get: () => Promise<StopView>): Promise<Answer> {
  try {
    return { kind: 'stop', stop: await get() };
  } catch (thrown) {
    const code = errorCodeOf(thrown);
    if (code === 'unreachable') return { kind: 'away', why: 'control cannot be reached; trying on' };
    if (code === 'store-unavailable') return { kind: 'away', why: 'control cannot reach the store; trying on' };
    if (code === 'unknown-stop') return { kind: 'away', why: 'accepted, not latched yet' };
    throw thrown;
  }
}

interface FollowView {
  show(stop: StopView | undefined, note: string | undefined): void;
}

/** On a terminal one block, drawn over; elsewhere one line for each change, or one JSON line. Never a claim beyond the ledger. */
function createView(terminal: Terminal, now: () => number): FollowView {
  let said = new Set<string>();
  const sayOnce = (line: string): void => {
    if (said.has(line)) return;
    said = new Set([...said, line]);
    terminal.say(line);
  };
  return {
    show: (stop, note) => {
      if (terminal.format === 'jsonl') {
        const line =
          stop === undefined
            ? undefined
            : JSON.stringify({
                kind: 'progress',
                reached: stop.reached,
                stages: stop.stages,
                tasks: stop.tasks,
                obligations: stop.obligations,
              });
        if (line === undefined || said.has(line)) return;
        said = new Set([line]);
        return terminal.data(line);
      }
      const lines =
        stop === undefined
          ? []
          : [...stageLines(stop, terminal.paint), ...laneLines(stop, now(), lanesOnScreen, drawnWidth)];
      const all = note === undefined ? lines : [...lines, terminal.paint.yellow(note)];
      if (terminal.isLive) return terminal.draw(all);
      for (const entry of stop?.stages ?? [])
        if (entry.at !== null && stop !== undefined)
          sayOnce(stageLines({ ...stop, stages: [entry] }, terminal.paint).join(''));
      if (note !== undefined) sayOnce(note);
    },
  };
}

export function verdictLine(verdict: StopVerdict, paint: Terminal['paint']): string {
  switch (verdict.kind) {
    case 'proved':
      return `${paint.green('proved')}: everything under this stop is dead`;
    case 'names-nobody':
      return `${paint.red('NOTHING WAS STOPPED')}: nobody and nothing here ever went by this name; look for the right one with: estop now`;
    case 'accepted-risk':
      return `${paint.yellow('proved')}, but for what may still live: ${verdict.why}`;
    case 'partial':
      return `${paint.yellow('partial')}: ${verdict.why}`;
    case 'latched':
      return `${paint.yellow('latched, not confirmed')}: ${verdict.missing.join(', ')} not verified in this time; if nothing moves: estop doctor`;
  }
}
