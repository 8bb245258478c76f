/** Recorded runs through the decision that the gateway makes: what would it have said? Nothing is asked, written or called. */
import { createHmac, randomBytes } from 'node:crypto';
import { type RecordedRun, type ReplayedRun, replay } from '../core/flow/replay.ts';
import type { ToolDefinition } from '../core/flow/tool/tool-definition.ts';
import { proposeProfile, type ToolProfile } from '../core/flow/tool/tool-profile.ts';
import type { Engine } from './engine.ts';
import { kinds } from './kinds.ts';
import type { Listed } from './request.ts';

/** The tools of one list, each as it was reviewed, or as it is proposed. */
export interface RecordedTool {
  readonly definition: ToolDefinition;
  readonly profile: ToolProfile;
}

export type RecordedTools = ReadonlyMap<string, RecordedTool>;

export interface BacktestOptions {
  readonly engine: Engine;
  readonly assume: 'allow' | 'deny';
  /** Of the server that the tools are taken to be of. */
  readonly serverId: string;
  readonly environment: string;
  readonly listed: Listed;
  /** What the task was started for, if the recording says it. */
  readonly purpose?: string | undefined;
  readonly providerOf?: (modelId: string) => string | undefined;
  readonly now: () => number;
}

const usualMethods = {
  resource: 'resources/read',
  prompt: 'prompts/get',
  completion: 'completion/complete',
  subscription: 'subscriptions/listen',
  answer: 'elicitation/create',
} as const;

/** Names nobody and is kept nowhere: values are compared within one run only. */
const key = randomBytes(32);
const hash = (text: string): string => createHmac('sha256', key).update(text).digest('base64url').slice(0, 16);

export interface BacktestedRun extends Omit<ReplayedRun, 'reasons'> {
  /** For each call the policies that decided, each with its sentence. */
  readonly reasons: readonly string[];
}

export function backtest(run: RecordedRun, tools: RecordedTools, options: BacktestOptions): BacktestedRun {
  const { engine, serverId, environment, listed } = options;
  // What a recording does not tell is missing, and denies where a policy looks at it.
  const common = {
    agent: { agentId: 'backtest', owner: 'backtest', labels: {} },
    environment,
    purpose: options.purpose,
  };
  const profiles = new Map([...tools].map(([name, { profile }]) => [name, profile]));
  const { decisions, reasons } = replay(run, profiles, {
    hash,
    assume: options.assume,
    decideOther: ({ facts, findings }, { tool: name, kind, server = serverId, method }) => {
      const asked = kinds.find((one) => one === kind);
      if (asked === undefined) return { decision: 'deny', reasons: [`${kind ?? ''} is not known.`] };
      const isModel = asked === 'model';
      const decision = engine.decideKind({
        ...common,
        kind: asked,
        resource: isModel
          ? { type: 'Model', id: name, provider: options.providerOf?.(name) ?? 'unknown' }
          : { type: asked === 'grant' ? 'Connector' : 'Server', id: server },
        // As the agent's list would have it: the gateway refuses what it does not name before any policy.
        listed: isModel || asked === 'grant' ? 'exact' : 'wildcard',
        ...(isModel
          ? {}
          : asked === 'grant'
            ? { name, issued: 'first-use' as const }
            : { method: method ?? usualMethods[asked], name, says: true }),
        flow: { kind: 'known', judgement: { facts, findings } },
        now: options.now(),
      });
      const said = decision.reasons.map(({ policy, sentence }) => `${policy}: ${sentence}`);
      return { decision: decision.outcome === 'allow' ? 'allow' : 'deny', reasons: said };
    },
    decide: (judgement, { profile, args }) => {
      const inputSchema = tools.get(profile.name)?.definition.inputSchema;
      const decision = engine.decide({
        ...common,
        tool: { serverId, name: profile.name, inputSchema },
        args,
        listed,
        tier: judgement.tier,
        labels: profile.labels,
        flow: { kind: 'known', judgement },
        now: options.now(),
      });
      const said = decision.reasons.map(({ policy, sentence }) => `${policy}: ${sentence}`);
      return { decision: decision.outcome, reasons: said };
    },
  });
  return { run: run.run, decisions, reasons: reasons.map((all) => all.join(' ')) };
}

/** What nobody reviewed is proposed, as at first sight. Of a tool without a definition its name alone is known. */
export function recordedTools(definitions: readonly ToolDefinition[], reviewed: Reviews = {}): RecordedTools {
  return new Map(
    definitions.map((definition): [string, RecordedTool] => {
      const { name } = definition;
      const profile = proposeProfile(definition, { tier: of(reviewed.tiers, name), labels: of(reviewed.labels, name) });
      const roles = of(reviewed.roles, name) ?? {};
      const given = profile.arguments.map((argument) => {
        const role = of(roles, argument.name);
        return role === undefined ? argument : { ...argument, role: role === 'none' ? undefined : role };
      });
      return [name, { definition, profile: { ...profile, arguments: given } }];
    }),
  );
}

/** What estop.yaml says of the tools of one server. */
export interface Reviews {
  readonly tiers?: Readonly<Record<string, ToolProfile['tier']>>;
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  readonly roles?: Readonly<
    Record<string, Readonly<Record<string, ToolProfile['arguments'][number]['role'] | 'none'>>>
  >;
}

/** A tool may be called `constructor`: only what is written there counts. */
const of = <Value>(record: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
