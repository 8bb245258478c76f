import { preparsePolicySet, preparseSchema, type StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { inputRecord, inputValue } from './cedar-value.ts';
import { contextOf, entitiesOf } from './context.ts';
import { type Decision, decidedByGate, type Outcome, type Reason } from './decision.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { type ActionShape, schemaFor } from './fact-schema.ts';
import type { PolicySet } from './parse-set.ts';
import type { PolicyRequest } from './request.ts';
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
    const staticPolicies = Object.fromEntries([...set.policies].map(([id, { json }]) => [id, json]));
    const answer = preparsePolicySet(this.#name, { staticPolicies });
    if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    this.#set = set;
    this.#prepared = new Map();
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

  #judge(request: PolicyRequest): Decision {
    try {
      const call = this.#callFor(request);
      const first = evaluate(call);
      if (first.kind !== 'deny' || !this.#onlyAsks(first)) return this.#said(first, request);
      // Only what asks stands in the way: would a person's yes let it pass?
      const second = evaluate({ ...call, context: { ...call.context, approved: true } });
      return second.kind === 'allow' ? this.#decision('ask', first.ids, request) : this.#said(second, request);
    } catch (thrown) {
      return this.#failed(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #onlyAsks({ ids }: { readonly ids: readonly string[] }): boolean {
    return ids.length > 0 && ids.every((id) => this.#set.policies.get(id)?.says === 'ask');
  }

  #said(said: Evaluation, request: PolicyRequest): Decision {
    if (said.kind === 'failed') return this.#failed(said.why);
    if (said.ids.length === 0) return decidedByGate('deny', 'gate.no-permit', this.#set.version);
    return this.#decision(said.kind, said.ids, request);
  }

  #failed(why: string): Decision {
    this.#onFailure(why);
    return decidedByGate('deny', 'gate.failed', this.#set.version);
  }

  #decision(outcome: Outcome, ids: readonly string[], { flow }: PolicyRequest): Decision {
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
    const { context: wanted, input } = this.#set.reads;
    const { schemaName, shape } = this.#prepare(request.tool);
    const context = contextOf(request, wanted);
    if (wanted.has('approved')) context['approved'] = false;
    if (wanted.has('input') && shape.input !== undefined)
      context['input'] = inputValue(request.args, shape.input, input);
    return {
      principal: { type: 'Agent', id: request.agent.agentId },
      action: { type: 'Action', id: shape.action },
      resource: { type: 'Server', id: request.tool.serverId },
      context,
      entities: entitiesOf(request),
      preparsedPolicySetId: this.#name,
      preparsedSchemaName: schemaName,
    };
  }

  /** Each tool has a schema of its own, so that one tool's is small and one that cannot be read harms no other. */
  #prepare(tool: KnownTool): Prepared {
    const action = actionOf(tool);
    const known = this.#prepared.get(action);
    if (known !== undefined && known.inputSchema === tool.inputSchema) return known;
    const { context: wanted, input } = this.#set.reads;
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
    return prepared;
  }
}
