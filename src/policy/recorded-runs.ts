/** Recordings as people hand them in: read strictly, and each run put through the decision. The command line and control share it. */
import { z } from 'zod';
import type { EstopConfig, ModelSpec, ToolServerSpec } from '../contract/config.ts';
import { EstopError } from '../core/errors.ts';
import type { RecordedRun } from '../core/flow/replay.ts';
import type { ToolDefinition } from '../core/flow/tool/tool-definition.ts';
import { type BacktestedRun, backtest, type RecordedTools, recordedTools } from './backtest.ts';
import type { Engine } from './engine.ts';
import { kinds } from './kinds.ts';

/** Recorders write null for what there is none of. */
const orNothing = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined);
const outcome = { output: z.string().nullable(), error: orNothing };
/** Just as it was parsed: made anew by its members, an argument that is called `__proto__` would be lost. */
const Arguments = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Invalid input: expected an object',
);
const Call = z.union([
  z.object({ tool: z.string(), args: Arguments, ...outcome }),
  z
    .object({
      kind: z.enum(kinds),
      name: z.string().default(''),
      server: orNothing,
      method: orNothing,
      args: Arguments.default({}),
      ...outcome,
    })
    .transform(({ name, ...rest }) => ({ ...rest, tool: name })),
]);

const Run = z.object({
  run: z.string(),
  request: z.string(),
  purpose: orNothing,
  tools: orNothing,
  calls: z.array(Call),
});

const Lists = z.record(
  z.string(),
  z.array(
    z.object({
      name: z.string(),
      description: orNothing,
      inputSchema: z.unknown().optional(),
      annotations: z.unknown().optional(),
      labels: z
        .array(z.string())
        .nullish()
        .transform((labels) => labels ?? undefined),
    }),
  ),
);

type ToolLists = z.output<typeof Lists>;

/** Of estop.yaml, what a decision about a recording looks at. */
export interface Reviewing {
  readonly environment: EstopConfig['environment'];
  readonly toolServers: readonly Pick<ToolServerSpec, 'serverId' | 'tiers' | 'labels' | 'roles'>[];
  readonly models: readonly Pick<ModelSpec, 'modelId' | 'provider'>[];
}

export interface RecordingTest {
  readonly engine: Engine;
  /** The text of a file of definitions, and what to call it in a message. */
  readonly tools?: { readonly text: string; readonly where: string } | undefined;
  readonly assume: 'allow' | 'deny';
  readonly config?: Reviewing | undefined;
  readonly now: () => number;
  /** Over all lines; counted before any call of a line is decided, which may take long. */
  readonly mostCalls?: number;
}

/** Whoever takes "nothing was asked about" for good news must not be told so of nothing. */
export const noRun = (where: string): EstopError =>
  new EstopError('invalid-input', { detail: `${where} holds no run: nothing was tried.` });

/** One line, one run, as it is decided; nothing of the runs is held. */
export function recordingTester(test: RecordingTest): (line: string, where: string) => BacktestedRun {
  const { engine, assume, config, now, mostCalls = Number.POSITIVE_INFINITY } = test;
  let calls = 0;
  const lists = test.tools === undefined ? undefined : read(Lists, test.tools.text, test.tools.where);
  const known = new Map<string, RecordedTools>();
  const listed = (name: string): RecordedTools | undefined => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const definitions = lists !== undefined && Object.hasOwn(lists, name) ? lists[name] : undefined;
    if (definitions === undefined) return undefined;
    const tools = recordedTools(definitions, reviewsOf(config, name));
    known.set(name, tools);
    return tools;
  };
  return (line, where) => {
    const { purpose, ...run } = read(Run, line, where);
    calls += run.calls.length;
    if (calls > mostCalls) throw new EstopError('limit-exceeded', { detail: `At most ${mostCalls} calls.` });
    for (const [index, { args }] of run.calls.entries())
      if (isDeeper(args, deepest))
        throw new EstopError('invalid-input', {
          detail: `${where} calls.${index}.args: nested deeper than ${deepest} values`,
        });
    const serverId = run.tools ?? only(lists) ?? 'recorded';
    const tools = lists === undefined ? byName(run, serverId, config) : listed(serverId);
    if (tools === undefined) {
      const has = `${test.tools?.where ?? ''} has: ${Object.keys(lists ?? {}).join(', ')}`;
      const named = run.tools === undefined ? 'no list of tools' : `the tools "${run.tools}"`;
      throw new EstopError('invalid-input', { detail: `${where} names ${named}; ${has}.` });
    }
    return backtest(run, tools, {
      engine,
      assume,
      serverId,
      environment: config?.environment ?? 'dev',
      listed: 'wildcard',
      purpose,
      providerOf: (id) => config?.models.find(({ modelId }) => modelId === id)?.provider,
      now,
    });
  };
}

/** As the gateway reads a body: of what is deeper no call was ever made. */
const deepest = 64;

function isDeeper(args: unknown, most: number): boolean {
  let level: readonly unknown[] = [args];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}

function only(lists: ToolLists | undefined): string | undefined {
  const names = Object.keys(lists ?? {});
  return names.length === 1 ? names[0] : undefined;
}

/** Without definitions every tool of the run is taken to exist, and its name is all that is known of it. */
function byName(run: RecordedRun, serverId: string, config: Reviewing | undefined): RecordedTools {
  const names = [...new Set(run.calls.flatMap(({ tool, kind }) => (kind === undefined ? [tool] : [])))];
  return recordedTools(
    names.map((name): ToolDefinition => ({ name })),
    reviewsOf(config, serverId),
  );
}

const reviewsOf = (config: Reviewing | undefined, serverId: string) =>
  config?.toolServers.find((server) => server.serverId === serverId) ?? {};

function read<Shape extends z.ZodType>(shape: Shape, text: string, where: string): z.output<Shape> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EstopError('invalid-input', { detail: `${where} is not JSON.` });
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issue = whereOf(result.error.issues);
  const at = issue === undefined ? '' : ` ${issue.path.join('.').slice(0, 200)}: ${issue.message.slice(0, 300)}`;
  throw new EstopError('invalid-input', { detail: `${where}${at}` });
}

/** Of several forms that a call may have, that which comes nearest says what is missing. */
function whereOf([issue]: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const [nearest] = [...issue.errors].sort((a, b) => a.length - b.length);
  const inner = whereOf(nearest ?? []);
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}
