import type { CliContext } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { stopLines } from './stop-lines.ts';
import { exitCodeOfVerdict, isConcluded, judgeStop } from './stop-verdict.ts';

/** Shows a stop again at every event of it, until it is proved. Piped, each event is one JSON line. */
export async function watchStop({ terminal, estop, now }: CliContext, stopId: string): Promise<ExitCode> {
  const asLines = terminal.format !== 'text' || !terminal.isLive;
  let stop = await estop.stops.get(stopId);
  const show = (): void => {
    if (!asLines) terminal.draw(stopLines(stop, now(), terminal.paint));
  };
  show();
  const ending = new AbortController();
  if (isConcluded(stop)) ending.abort();
  for await (const event of estop.events.stream({ stop: stopId, signal: ending.signal })) {
    if (asLines) terminal.data(JSON.stringify({ kind: 'event', id: event.id, name: event.name, data: event.data }));
    stop = await estop.stops.get(stopId);
    show();
    if (isConcluded(stop)) break;
  }
  terminal.endDrawing();
  return exitCodeOfVerdict(judgeStop(stop));
}
