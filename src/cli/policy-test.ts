import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { EstopConfig } from '../contract/config.ts';
import type { RecordedRun } from '../core/flow/replay.ts';
import type { ToolDefinition } from '../core/flow/tool-profile.ts';
import { backtest, type RecordedTools, recordedTools } from '../policy/backtest.ts';
import { Engine } from '../policy/engine.ts';
import { kinds } from '../policy/kinds.ts';
import type { PolicySet } from '../policy/parse-set.ts';
import { EstopError } from '../sdk/index.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { visible } from './visible.ts';

const outcome = { output: z.string().nullable(), error: z.string().optional() };
const Call = z.union([
  z.object({ tool: z.string(), args: z.record(z.string(), z.unknown()), ...outcome }),
  z
    .object({
      kind: z.enum(kinds),
      name: z.string().default(''),
      server: z.string().optional(),
      method: z.string().optional(),
      ...outcome,
    })
    .transform(({ name, ...rest }) => ({ ...rest, tool: name, args: {} })),
]);

const Run = z.object({
  run: z.string(),
  request: z.string(),
  purpose: z.string().optional(),
  tools: z.string().optional(),
  calls: z.array(Call),
});

const ToolLists = z.record(
  z.string(),
  z.array(
    z.object({
      name: z.string(),
      description: z.string().optional(),
      inputSchema: z.unknown(),
      annotations: z.unknown().optional(),
      labels: z.array(z.string()).optional(),
    }),
  ),
);

export interface PolicyTestPlan {
  readonly set: PolicySet;
  readonly runs: string;
  readonly tools: string | undefined;
  readonly assume: 'allow' | 'deny';
  readonly config: EstopConfig | undefined;
}

/** One line a run, as it is decided; the whole is never held. */
export async function testPolicies({ terminal, now }: CliContext, plan: PolicyTestPlan): Promise<ExitCode> {
  const engine = new Engine(plan.set, (why) => terminal.say(`a call could not be judged: ${visible(why)}`));
  const lists = plan.tools === undefined ? undefined : read(ToolLists, readFileSync(plan.tools, 'utf8'), plan.tools);
  const known = new Map<string, RecordedTools>();
  const counts = { runs: 0, allow: 0, ask: 0, deny: 0 };
  let number = 0;
  for await (const line of createInterface({
    input: createReadStream(plan.runs),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number += 1;
    if (line.trim() === '') continue;
    const { purpose, ...run } = read(Run, line, `${plan.runs}:${number}`);
    const serverId = run.tools ?? only(lists) ?? 'recorded';
    const tools = lists === undefined ? byName(run, serverId, plan.config) : (known.get(serverId) ?? listed(serverId));
    known.set(serverId, tools);
    const environment = plan.config?.environment ?? 'dev';
    const result = backtest(run, tools, {
      engine,
      assume: plan.assume,
      serverId,
      environment,
      listed: 'wildcard',
      purpose,
      providerOf: (id) => plan.config?.models.find(({ modelId }) => modelId === id)?.provider,
      now,
    });
    counts.runs += 1;
    for (const decision of result.decisions) counts[decision] += 1;
    if (terminal.format === 'text') terminal.data(`${visible(result.run)}  ${result.decisions.join(' ')}`);
    else terminal.data(JSON.stringify(result));
  }
  if (terminal.format === 'text')
    terminal.say(`${counts.runs} runs: ${counts.allow} calls allowed, ${counts.ask} asked, ${counts.deny} denied`);
  return exitCodes.confirmed;

  function listed(name: string): RecordedTools {
    const definitions = lists !== undefined && Object.hasOwn(lists, name) ? lists[name] : undefined;
    if (definitions === undefined)
      throw new EstopError('invalid-input', { detail: `${visible(plan.tools ?? '')} has no list "${visible(name)}".` });
    return recordedTools(definitions, reviewsOf(plan.config, name));
  }
}

function only(lists: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const names = Object.keys(lists ?? {});
  return names.length === 1 ? names[0] : undefined;
}

/** Without definitions every tool of the run is taken to exist, and its name is all that is known of it. */
function byName(run: RecordedRun, serverId: string, config: EstopConfig | undefined): RecordedTools {
  const names = [...new Set(run.calls.flatMap(({ tool, kind }) => (kind === undefined ? [tool] : [])))];
  return recordedTools(
    names.map((name): ToolDefinition => ({ name })),
    reviewsOf(config, serverId),
  );
}

const reviewsOf = (config: EstopConfig | undefined, serverId: string) =>
  config?.toolServers.find((server) => server.serverId === serverId) ?? {};

function read<Shape extends z.ZodType>(shape: Shape, text: string, where: string): z.output<Shape> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EstopError('invalid-input', { detail: `${visible(where)} is not JSON.` });
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue === undefined ? '' : ` ${issue.path.join('.')}: ${issue.message}`;
  throw new EstopError('invalid-input', { detail: visible(`${where}${at}`) });
}
