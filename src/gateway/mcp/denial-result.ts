import { approvalInput } from '../call/ask-by-url.ts';
import type { Answer, Denial, DenialReason } from '../passage.ts';

export type ToolDenial = Exclude<Denial, { kind: 'unauthenticated' | 'unavailable' | 'not-served' }>;

const sentences: Readonly<Record<DenialReason, string>> = {
  'tool-not-available': 'This tool is not available to this agent.',
  'tool-changed':
    'This tool changed its definition since it was accepted. It is refused until a person has looked at it.',
  'invalid-arguments': 'The arguments do not fit the schema of this tool.',
  'too-large-to-review': 'A person must approve this call, and its arguments are too large for a person to review.',
  'task-closed': 'This task has ended. Nothing more is done for it.',
  'task-held': 'This task is on hold. The call was not made.',
  'unknown-task': 'This task is not registered. The call was not made.',
  'over-budget': 'A budget has no room for this call. It was not made.',
  unwatched: 'The breakers of this agent are not watched right now. The call was not made; try again shortly.',
  'approval-refused': 'No approval can be asked for: the task has ended or is stopped.',
  'denied-before':
    'A person denied exactly this call for this task a short while ago. It was not made, and nobody is asked again yet: do something else.',
  'denied-by-policy': 'Policy does not let this agent make this call.',
  'policy-unavailable': 'The policies that are in force could not be loaded here. The call was not made.',
  'too-many-approvals':
    'This agent waits for more approvals than people can look at. The call was not made and nobody was asked. Wait for the open ones.',
  'approval-state-invalid':
    'This answer does not belong to an open question about this call. It was not made: send the call again without it.',
  'credential-unavailable':
    'The credential that this tool server asks for is not to be had right now. The call was not made.',
  'credential-shared':
    'The credential of this tool server stands for more than one agent, which is not allowed here. The call was not made.',
  'upstream-unavailable': 'The tool server cannot be reached. The call was not made.',
  'possibly-completed':
    'The call was sent, and its answer was lost or not passed on. It may have had its effect: find out before sending it again.',
  'shutting-down': 'This gateway is shutting down. The call was not made.',
  'resource-not-available': 'This resource is not available to this agent.',
  'prompt-not-available': 'This prompt is not available to this agent.',
  'session-needed': 'This needs a session: shake hands first, and send its id.',
  'grant-not-issued': 'The credential that this needs was not issued. Nothing was done; try again shortly.',
  'no-such-grant': 'There is no such grant for this task.',
  'model-not-available': 'This model is not available to this agent, or not under this address.',
  'model-without-price':
    'This model has no price in estop.yaml: what it costs could not be counted, so it is not called.',
  'provider-unavailable': 'The provider of this model cannot be reached. The call was not made.',
  'provider-refused': 'The provider of this model refused the request that was made in its name.',
  'provider-failed': 'The provider of this model gave no answer that can be passed on.',
  internal: 'Something went wrong inside the gateway. The call was not made.',
};

/** Denials after which a caller acts in a way of its own: waits for a release, or does not send the call again. */
const decisions: Partial<Readonly<Record<DenialReason, string>>> = {
  'task-held': 'held',
  'possibly-completed': 'possibly-completed',
};

/** A denial as the result of the tool call: a sentence for the model, and the same for programs under `_meta`. */
export function denialResult(denial: ToolDenial): Answer {
  const { text, meta } = tell(denial);
  if (denial.kind === 'needs-approval' && denial.ask?.requestState !== undefined) {
    const { url, requestState } = denial.ask;
    const params = { mode: 'url', url, message: text };
    return {
      resultType: 'input_required',
      inputRequests: { [approvalInput]: { method: 'elicitation/create', params } },
      requestState,
      _meta: meta,
    };
  }
  return { content: [{ type: 'text', text }], isError: true, _meta: meta };
}

/** What a client of the older revisions is asked beside its result. Nobody here waits for the answer, and none says anything. */
export function pageQuestion(denial: ToolDenial): object | undefined {
  if (denial.kind !== 'needs-approval' || denial.ask === undefined || denial.ask.requestState !== undefined)
    return undefined;
  const params = { mode: 'url', elicitationId: denial.approvalId, url: denial.ask.url, message: tell(denial).text };
  return { jsonrpc: '2.0', id: `${approvalInput}-${denial.approvalId}`, method: 'elicitation/create', params };
}

export function tell(denial: ToolDenial): { readonly text: string; readonly meta: Answer } {
  switch (denial.kind) {
    case 'stopped': {
      const text = denial.mayHaveCompleted
        ? 'An emergency stop covers this task. The call had been sent when it came and may have had its effect; no answer is passed on.'
        : 'An emergency stop covers this task. The call was not made, and none will be until a person resets the stop and starts again.';
      return {
        text,
        meta: {
          'estop/decision': 'stopped',
          ...(denial.stopId === undefined ? {} : { 'estop/stopId': denial.stopId }),
          ...(denial.mayHaveCompleted ? { 'estop/reason': 'possibly-completed' } : {}),
        },
      };
    }
    case 'needs-approval':
      return {
        text: `A person must approve this call. It was not made. Send exactly the same call again once approval ${denial.approvalId} is given; it lapses at ${denial.expiresAt}.${denial.why === undefined ? '' : ` Why: ${denial.why}`}`,
        meta: {
          'estop/decision': 'needs-approval',
          'estop/approvalId': denial.approvalId,
          'estop/expiresAt': denial.expiresAt,
          ...(denial.policies === undefined ? {} : { 'estop/policies': denial.policies }),
        },
      };
    case 'denied': {
      const text =
        denial.detail === undefined ? sentences[denial.reason] : `${sentences[denial.reason]} (${denial.detail})`;
      return {
        text,
        meta: {
          'estop/decision': decisions[denial.reason] ?? 'denied',
          'estop/reason': denial.reason,
          ...(denial.policies === undefined ? {} : { 'estop/policies': denial.policies }),
        },
      };
    }
  }
}
