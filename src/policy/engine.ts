import { preparsePolicySet, preparseSchema, type StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { inputRecord, inputValue } from './cedar-value.ts';
import { contextOf, entitiesOf, kindEntitiesOf, seenAgent, seenTool } from './context.ts';
import { type Decision, decidedByGate, type Outcome, type Reason } from './decision.ts';
import { type Answers, type Evaluation, evaluateOnce } from './evaluate.ts';
import { type ActionShape, schemaFor } from './fact-schema.ts';
import { anyTool, type Column, columns, type Kind } from './kinds.ts';
import type { Policy, PolicySet } from './parse-set.ts';
import { policiesFor } from './reads.ts';
import type { KindRequest, Known, PolicyRequest } from './request.ts';
import { actionOf, type KnownTool, shapeOf, withoutArguments } from './tool-shape.ts';

interface Prepared {
  readonly inputSchema: unknown;
  readonly schemaName: string;
  readonly shape: ActionShape;
}

/** Cedar keeps what was parsed per thread and by name, and never lets go of a name: each engine has names of its own, and reuses them. */
let engines = 0;

/** One loaded set of policies. A set is swapped whole: between two calls of `decide` either the one is in force or the other. */
export class Engine {
  readonly #name = `engine-${(engines += 1)}`;
  readonly #onFailure: (why: string) => void;
  readonly #schemaNames = new Map<string, string>();
  #prepared = new Map<string, Prepared>();
  #preparedKinds = new Map<Kind, string>();
  readonly #answers: Answers = new Map();
  #set: PolicySet;

  constructor(set: PolicySet, onFailure: (why: string) => void) {
    this.#onFailure = onFailure;
    this.#set = set;
    this.load(set);
  }

  get version(): string {
    return this.#set.version;
  }

  /** Throws, and leaves the old set in force, if Cedar does not take it. */
  load(set: PolicySet): void {
    const all = [...set.policies.values()];
    // The whole set first: one that Cedar does not take has changed nothing.
    preparse(this.#name, all);
    for (const column of columns) preparse(`${this.#name}/${column}`, policiesFor(column, all));
    this.#set = set;
    this.#answers.clear();
    this.#prepared = new Map();
    this.#preparedKinds = new Map();
  }

  /** What nobody looks at need not be found out. */
  looksAt(column: Column, ...facts: readonly string[]): boolean {
    const { context } = this.#set.reads[column];
    return facts.some((fact) => context.has(fact));
  }

  /** Never throws, and never allows what was not evaluated to its end. */
  decide(request: PolicyRequest): Decision {
    const { version } = this.#set;
    if (request.listed === undefined) return decidedByGate('deny', 'gate.not-listed', version);
    if (request.tier === undefined) return decidedByGate('deny', 'gate.unknown-tool', version);
    const decision = this.#judge(request);
    // The agent's own list binds whatever the policies say.
    return decision.outcome === 'allow' && request.listed === 'ask'
      ? decidedByGate('ask', 'gate.list-asks', version)
      : decision;
  }

  /** The same of what is no tool: there nobody can be asked, so that what asks denies. */
  decideKind(request: KindRequest): Decision {
    if (request.listed === undefined) return decidedByGate('deny', 'gate.not-listed', this.#set.version);
    try {
      return this.#said(evaluateOnce(this.#callForKind(request), this.#answers), request);
    } catch (thrown) {
      return this.#failed(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #judge(request: PolicyRequest): Decision {
    try {
      const call = this.#callFor(request);
      const first = evaluateOnce(call, this.#answers);
      if (first.kind !== 'deny' || !this.#onlyAsks(first)) return this.#said(first, request);
      // Only what asks stands in the way: would a person's yes let it pass?
      const second = evaluateOnce({ ...call, context: { ...call.context, approved: true } }, this.#answers);
      return second.kind === 'allow' ? this.#decision('ask', first.ids, request) : this.#said(second, request);
    } catch (thrown) {
      return this.#failed(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #onlyAsks({ ids }: { readonly ids: readonly string[] }): boolean {
    return ids.length > 0 && ids.every((id) => this.#set.policies.get(id)?.says === 'ask');
  }

  #said(said: Evaluation, request: Known): Decision {
    if (said.kind === 'failed') return this.#failed(said.why);
    if (said.ids.length === 0) return decidedByGate('deny', 'gate.no-permit', this.#set.version);
    return this.#decision(said.kind, said.ids, request);
  }

  #failed(why: string): Decision {
    this.#onFailure(why);
    return decidedByGate('deny', 'gate.failed', this.#set.version);
  }

  #decision(outcome: Outcome, ids: readonly string[], { flow }: Known): Decision {
    const policyIds = [...ids].sort();
    const reasons = policyIds.flatMap((id): readonly Reason[] => {
      const policy = this.#set.policies.get(id);
      const found = (flow.kind === 'known' ? flow.judgement.findings : []).filter(({ rule }) => rule === policy?.rule);
      const sentences = found.length > 0 ? found.map(({ sentence }) => sentence) : [policy?.sentence ?? ''];
      return [...new Set(sentences)].map((sentence) => ({ policy: id, sentence }));
    });
    const two = policyIds.some((id) => this.#set.policies.get(id)?.approvers === 2);
    return { outcome, policyIds, reasons, approvers: two ? 2 : 1, version: this.#set.version };
  }

  #callFor(request: PolicyRequest): StatefulAuthorizationCall {
    const { tool: reads } = this.#set.reads;
    const { context: wanted, input } = reads;
    const agent = seenAgent(request.agent, reads);
    const tool = seenTool(request.tool, reads);
    const { schemaName, shape } = this.#prepare(tool);
    const context = contextOf(request, wanted);
    if (wanted.has('approved')) context['approved'] = false;
    if (wanted.has('input') && shape.input !== undefined)
      context['input'] = inputValue(request.args, shape.input, input);
    return {
      principal: { type: 'Agent', id: agent.agentId },
      action: { type: 'Action', id: shape.action },
      resource: { type: 'Server', id: tool.serverId },
      context,
      entities: entitiesOf({ agent, tool }),
      preparsedPolicySetId: `${this.#name}/${anyTool}`,
      preparsedSchemaName: schemaName,
    };
  }

  #callForKind(request: KindRequest): StatefulAuthorizationCall {
    const { kind, resource } = request;
    const reads = this.#set.reads[kind];
    const agent = seenAgent(request.agent, reads);
    return {
      principal: { type: 'Agent', id: agent.agentId },
      action: { type: 'Action', id: kind },
      resource: { type: resource.type, id: resource.id },
      context: contextOf(request, reads.context),
      entities: kindEntitiesOf({ agent, resource }),
      preparsedPolicySetId: `${this.#name}/${kind}`,
      preparsedSchemaName: this.#prepareKind(kind),
    };
  }

  #prepareKind(kind: Kind): string {
    const known = this.#preparedKinds.get(kind);
    if (known !== undefined) return known;
    const schemaName = `${this.#name}/${kind}`;
    const answer = preparseSchema(schemaName, schemaFor([], this.#set.reads[kind].context, [kind]));
    if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    this.#preparedKinds.set(kind, schemaName);
    return schemaName;
  }

  /** Each tool has a schema of its own, so that one tool's is small and one that cannot be read harms no other. */
  #prepare(tool: KnownTool): Prepared {
    const action = actionOf(tool);
    const known = this.#prepared.get(action);
    if (known !== undefined && known.inputSchema === tool.inputSchema) return known;
    const { context: wanted, input } = this.#set.reads.tool;
    const whole = wanted.has('input') ? shapeOf(tool) : withoutArguments(tool);
    const shape: ActionShape =
      whole.input === undefined
        ? whole
        : { ...whole, input: { ...whole.input, record: inputRecord(whole.input, input) } };
    const schemaName = this.#schemaNames.get(action) ?? `${this.#name}/${this.#schemaNames.size}`;
    this.#schemaNames.set(action, schemaName);
    const answer = preparseSchema(schemaName, schemaFor([shape], wanted));
    if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    const prepared: Prepared = { inputSchema: tool.inputSchema, schemaName, shape };
    this.#prepared.set(action, prepared);
    this.#answers.clear();
    return prepared;
  }
}

function preparse(name: string, policies: readonly Policy[]): void {
  const answer = preparsePolicySet(name, {
    staticPolicies: Object.fromEntries(policies.map(({ id, json }) => [id, json])),
  });
  if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '));
}
