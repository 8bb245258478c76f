import type { EstopConfig } from '../contract/config.ts';
import { Engine } from '../policy/engine.ts';
import type { PolicySet } from '../policy/parse-set.ts';
import { noRun, recordingTester } from '../policy/recorded-runs.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { policyTestLine, policyTestSum } from './policy-test-lines.ts';
import { linesOf, textOf } from './recorded-lines.ts';
import { visible } from './visible.ts';

export interface PolicyTestPlan {
  readonly set: PolicySet;
  readonly runs: string;
  readonly tools: string | undefined;
  readonly assume: 'allow' | 'deny';
  readonly config: EstopConfig | undefined;
}

/** One line a run, as it is decided; the whole is never held. */
export async function testPolicies({ terminal, now }: CliContext, plan: PolicyTestPlan): Promise<ExitCode> {
  const { runs, tools, assume, config } = plan;
  const engine = new Engine(plan.set, (why) => terminal.say(`a call could not be judged: ${visible(why)}`));
  const test = recordingTester({
    engine,
    tools: tools === undefined ? undefined : { text: textOf(tools), where: tools },
    assume,
    config,
    now,
  });
  const counts = { runs: 0, allow: 0, ask: 0, deny: 0 };
  let number = 0;
  for await (const line of linesOf(runs)) {
    number += 1;
    if (line.trim() === '') continue;
    const result = test(line, `${runs}:${number}`);
    counts.runs += 1;
    for (const decision of result.decisions) counts[decision] += 1;
    terminal.data(policyTestLine(terminal, result));
  }
  if (counts.runs === 0) throw noRun(visible(runs));
  if (terminal.format === 'text') terminal.say(policyTestSum(counts));
  return exitCodes.confirmed;
}
