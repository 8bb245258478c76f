import type { ListedStop } from '../contract/http/stops.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { type PageOptions, pageQuery } from './page-options.ts';
import { printOne, printPage } from './print.ts';
import { wordToType } from './quote-for-shell.ts';
import { stopLines } from './stop-lines.ts';
import { exitCodeOfVerdict, judgeStop } from './stop-verdict.ts';
import { renderTable } from './table.ts';
import { visible } from './visible.ts';
import { relative } from './when.ts';

/** The code says how far the stop is, as after `stop --wait`: 0 means proved, and a script need not read the lines. */
export async function showStop({ terminal, estop, now }: CliContext, stopId: string): Promise<ExitCode> {
  const found = await estop.stops.get(stopId);
  printOne(terminal, found, () => stopLines(found, now(), terminal.paint));
  return exitCodeOfVerdict(judgeStop(found));
}

function noStop({ cursor, inForce }: PageOptions & { readonly inForce?: boolean }): string {
  if (cursor !== undefined) return 'Nothing further back.';
  return inForce === true ? 'No stop is in force.' : 'No stop was ever ordered.';
}

export async function listStops(
  { terminal, estop, now }: CliContext,
  options: PageOptions & { readonly inForce?: boolean },
): Promise<ExitCode> {
  const page = await estop.stops.list({
    ...pageQuery(options),
    ...(options.inForce === true ? { inForce: true } : {}),
  });
  printPage(terminal, page, (stops) =>
    renderTable<ListedStop>(
      [
        { title: 'stop', cell: (row) => row.stopId },
        { title: 'epoch', cell: (row) => String(row.epoch) },
        { title: 'scope', cell: (row) => row.scopeKey },
        { title: 'reached', cell: reachedWords },
        { title: 'in force', cell: (row) => (row.inForce ? 'yes' : 'no, reset') },
        { title: 'latched', cell: (row) => relative(row.stages[0]?.at ?? '', now()) },
        { title: 'by', cell: (row) => row.actor, width: 24 },
        { title: 'reason', cell: (row) => row.reason, width: 40 },
      ],
      stops,
    ),
  );
  if (page.items.length === 0) terminal.say(noStop(options));
  return exitCodes.confirmed;
}

function reachedWords({ scopeKnown, reached }: ListedStop): string {
  if (scopeKnown === null) return `${reached}; whose name it is, is not known`;
  return scopeKnown ? reached : 'nobody goes by this name';
}

export async function showTimeline({ terminal, estop }: CliContext, stopId: string): Promise<ExitCode> {
  const found = await estop.overview.timeline(stopId);
  printOne(terminal, found, () => [
    ...found.items.map(
      ({ at, what, by }) =>
        `${at.slice(0, 23).replace('T', ' ')}  ${visible(what)}${by === null ? '' : `  (${visible(by)})`}`,
    ),
    ...(found.truncated ? [`.. there is more: estop audit --subject ${wordToType(stopId)}`] : []),
  ]);
  return exitCodes.confirmed;
}
