import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { policyTestLine, policyTestSum } from './policy-test-lines.ts';
import { textOf } from './recorded-lines.ts';
import { visible } from './visible.ts';

interface Recording {
  readonly runs: string;
  readonly tools?: string;
  readonly assume: 'allow' | 'deny';
}

/** The same lines as where it is decided here; the control API bounds how much it takes at once. */
export async function testInForce({ terminal, estop }: CliContext, given: Recording): Promise<ExitCode> {
  const { version, counts, items, unjudged } = await estop.policies.test(textOf(given.runs), {
    assume: given.assume,
    ...(given.tools === undefined ? {} : { tools: textOf(given.tools) }),
  });
  for (const why of unjudged) terminal.say(`a call could not be judged: ${visible(why)}`);
  for (const item of items) terminal.data(policyTestLine(terminal, item));
  if (terminal.format === 'text') terminal.say(`${policyTestSum(counts)}, by version ${version}`);
  return exitCodes.confirmed;
}
