/** What the analysis costs: judging a call, and observing an output of 200 KB, with the hash that a gateway would use. */
import { judge } from '../../src/core/flow/judge.ts';
import { observe } from '../../src/core/flow/observe.ts';
import { openTaskFlow } from '../../src/core/flow/open-flow.ts';
import { resumeTaskFlow } from '../../src/core/flow/task-flow.ts';
import { shortMac } from '../../src/runtime/keys/short-mac.ts';
import { percentile } from '../figure.ts';
import type { Agentdyn } from './agentdyn.ts';

const realHash = shortMac(Buffer.alloc(32, 7));

export interface Speed {
  readonly judgeP50: number;
  readonly judgeP99: number;
  readonly observe: readonly (readonly [shape: string, milliseconds: number])[];
}

export function speedOf(data: Agentdyn): Speed {
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const run of data.plain.slice(0, 60)) {
      const profiles = data.profiles[run.suite];
      const { flow } = openTaskFlow({ request: run.request, ownIdentities: [], contacts: [], hash: realHash });
      for (const { tool, args, output } of run.calls) {
        const profile = profiles?.get(tool);
        if (profile === undefined) continue;
        const from = process.hrtime.bigint();
        judge(flow, { profile, args });
        if (round > 0) times.push(Number(process.hrtime.bigint() - from) / 1000);
        observe(flow, { profile, args }, output ?? '');
      }
    }
  }
  return {
    judgeP50: percentile(times, 50),
    judgeP99: percentile(times, 99),
    observe: shapes().map(([shape, text]) => [shape, observing(data, text)]),
  };
}

function observing(data: Agentdyn, text: string): number {
  const profile = [...(data.profiles[data.suites[0] ?? '']?.values() ?? [])].find(({ tier }) => tier === 'read');
  if (profile === undefined) return Number.NaN;
  const { delta } = openTaskFlow({
    request: 'Ask Alice about www.example.org',
    ownIdentities: [],
    contacts: [],
    hash: realHash,
  });
  const times = Array.from({ length: 80 }, () => {
    const flow = resumeTaskFlow(realHash, [delta]);
    const from = process.hrtime.bigint();
    observe(flow, { profile, args: {} }, text);
    return Number(process.hrtime.bigint() - from) / 1e6;
  });
  // A gateway runs for weeks: the first rounds measure the compiler.
  return percentile(times.slice(times.length / 2), 50);
}

function shapes(): readonly (readonly [string, string])[] {
  const size = 200_000;
  const fill = (piece: (index: number) => string): string => {
    let text = '';
    for (let index = 0; text.length < size; index += 1) text += piece(index);
    return text.slice(0, size);
  };
  const common =
    'the meeting about our summer plan was moved to another room because of rain and nobody minded much'.split(' ');
  const records = fill(
    (index) =>
      `${index === 0 ? '[' : ','}{"id":"item-${index}","from":"p${index}@mail.org","title":"Thing number ${index}","body":"Some longer text that says little. It goes on."}`,
  );
  return [
    ['prose', fill((index) => `${common[(index * 7) % common.length]}${index % 11 === 0 ? `${index % 4000}` : ''} `)],
    ['no word twice', fill((index) => `w${index.toString(36)}q `)],
    ['records', records],
    ['lines', fill((index) => `- id: '${index}'\n  sender: p${index}@mail.org\n  body: 'text ${index}'\n`)],
    ['one letter', 'a'.repeat(size)],
    ['open brackets', '['.repeat(size)],
    ['spaces', ' '.repeat(size)],
    ['two words, far apart', `a\n${'b'.padEnd(size / 2)}c\nd`],
    ['bars', fill(() => 'a | b | c\n')],
  ];
}
