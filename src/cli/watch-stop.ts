import type { StopView } from '../contract/http/stops.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { endWhenUnheard } from './go-on-unheard.ts';
import { sayOfConnection } from './say-of-connection.ts';
import { stopLines } from './stop-lines.ts';
import { exitCodeOfVerdict, isConcluded, judgeStop } from './stop-verdict.ts';

/** Shows a stop again at every event of it, until it is proved. Piped, each event is one JSON line; the last one says how it ended. */
export async function watchStop({ terminal, estop, now }: CliContext, stopId: string): Promise<ExitCode> {
  const asLines = terminal.format !== 'text' || !terminal.isLive;
  endWhenUnheard(exitCodes.latchedOnly);
  let stop = await estop.stops.get(stopId);
  let isOld = false;
  const old = `${terminal.paint.red('NOT CONNECTED')}: so far it was when last heard of; trying on`;
  const show = (): void => {
    if (!asLines) terminal.draw([...stopLines(stop, now(), terminal.paint), ...(isOld ? ['', old] : [])]);
  };
  const say = sayOfConnection(terminal);
  const onConnection: typeof say = (state) => {
    if (asLines) return say(state);
    isOld = !state.open;
    show();
  };
  show();
  let told: unknown;
  const ending = new AbortController();
  if (isConcluded(stop)) ending.abort();
  for await (const event of estop.events.stream({ stop: stopId, signal: ending.signal, onConnection })) {
    if (asLines) terminal.data(JSON.stringify({ kind: 'event', id: event.id, name: event.name, data: event.data }));
    if (event.name === 'stop') told = event.data;
    stop = await estop.stops.get(stopId);
    show();
    if (isConcluded(stop)) break;
  }
  // It may have been over before anybody listened, or be further than the event that was the last to be heard.
  if (asLines && !saysHowFar(told, stop))
    terminal.data(JSON.stringify({ kind: 'event', id: '', name: 'stop', data: stop }));
  terminal.endDrawing();
  return exitCodeOfVerdict(judgeStop(stop));
}

const saysHowFar = (told: unknown, { reached }: StopView): boolean =>
  typeof told === 'object' && told !== null && 'reached' in told && told.reached === reached;
