import { errorCodeOf } from '../core/errors.ts';
import { admit } from './checks/admit.ts';
import { admitAnswer } from './checks/admit-answer.ts';
import { admitModel } from './checks/admit-model.ts';
import { admitReach } from './checks/admit-reach.ts';
import { checkAnswerPolicy } from './checks/answer-policy.ts';
import { checkApprovalAnswered } from './checks/approval-answered.ts';
import { checkArguments } from './checks/arguments-valid.ts';
import { takeCredential, takeReachCredential } from './checks/credential.ts';
import { checkDataFlow } from './checks/data-flow.ts';
import { checkFence } from './checks/fence.ts';
import { answerSession, fenceAndAnswer, fenceAndAnswerCall } from './checks/fence-and-answer.ts';
import { fenceAndAnswerReach, fenceAndReach } from './checks/fence-and-reach.ts';
import { fenceAndRelay } from './checks/fence-and-relay.ts';
import { fenceAndStream } from './checks/fence-and-stream.ts';
import { fenceAndAcknowledge, fenceAndTell } from './checks/fence-and-tell.ts';
import { fenceAndWrite } from './checks/fence-and-write.ts';
import { fenceAndWriteModel } from './checks/fence-and-write-model.ts';
import { checkGrantScope } from './checks/grant-scope.ts';
import { fenceAndHandOver, handOver } from './checks/hand-over.ts';
import { listModels } from './checks/list-models.ts';
import { listTools } from './checks/list-tools.ts';
import { checkModelKnown } from './checks/model-known.ts';
import { checkModelRequest } from './checks/model-request-valid.ts';
import { checkModelScope } from './checks/model-scope.ts';
import { checkPolicy } from './checks/policy.ts';
import { checkModelPolicy, checkReachPolicy } from './checks/policy-of-kind.ts';
import { checkAnswer, checkAnswerScope, checkQuestionKnown } from './checks/question-known.ts';
import { checkReachKnown } from './checks/reach-known.ts';
import { checkReachScope } from './checks/reach-scope.ts';
import { checkScope } from './checks/scope.ts';
import { fenceAndTake } from './checks/take-message.ts';
import { checkToken } from './checks/token.ts';
import { checkToolKnown } from './checks/tool-known.ts';
import { type Asked, type Check, type Denial, denied, type Passage } from './passage.ts';

type Column = Asked['kind'];
const none = undefined;

/**
 * The gate on one page. Read down a column to see what one kind of request passes, in order; a blank is a step it does not
 * pass. Each check is one file. What a later step needs it takes from an earlier one, so a line that is taken out denies.
 * Settling is not a step: it happens however the passage ends (below).
 */
// biome-ignore format: read by column
const columns: readonly Column[] = [
  'tool-call', 'tool-list', 'resource', 'prompt', 'completion', 'subscription', 'cancellation', 'stream', 'model', 'grant', 'session',
  'model-list', 'answer',
];
// biome-ignore format: read by column
const gate: readonly (readonly [step: string, ...checks: (Check | undefined)[]])[] = [
  /* step              tool-call           tool-list       resource             prompt               completion           subscription         cancellation  stream          model               grant             session        model-list      answer              */
  ['token',            checkToken,         checkToken,     checkToken,          checkToken,          checkToken,          checkToken,          checkToken,   checkToken,     checkToken,         checkToken,       checkToken,    checkToken,     checkToken          ],
  ['fence',            checkFence,         checkFence,     checkFence,          checkFence,          checkFence,          checkFence,          checkFence,   checkFence,     checkFence,         checkFence,       none,          checkFence,     checkFence          ],
  ['tool known',       checkToolKnown,     none,           checkReachKnown,     checkReachKnown,     checkReachKnown,     checkReachKnown,     none,         none,           checkModelKnown,    none,             none,          none,           checkQuestionKnown  ],
  ['arguments valid',  checkArguments,     none,           none,                none,                none,                none,                none,         none,           checkModelRequest,  none,             none,          none,           checkAnswer         ],
  ['approval answer',  checkApprovalAnswered, none,        none,                none,                none,                none,                none,         none,           none,               none,             none,          none,           none                ],
  ['scope',            checkScope,         listTools,      checkReachScope,     checkReachScope,     checkReachScope,     checkReachScope,     none,         none,           checkModelScope,    checkGrantScope,  none,          listModels,     checkAnswerScope    ],
  ['data flow',        checkDataFlow,      none,           checkDataFlow,       checkDataFlow,       checkDataFlow,       checkDataFlow,       none,         none,           none,               none,             none,          none,           checkDataFlow       ],
  ['policy',           checkPolicy,        none,           checkReachPolicy,    checkReachPolicy,    checkReachPolicy,    checkReachPolicy,    none,         none,           checkModelPolicy,   none,             none,          none,           checkAnswerPolicy   ],
  ['credential',       takeCredential,     none,           takeReachCredential, takeReachCredential, takeReachCredential, takeReachCredential, none,         none,           none,               none,             none,          none,           none                ],
  ['ADMIT',            admit,              none,           admitReach,          admitReach,          admitReach,          admitReach,          none,         none,           admitModel,         handOver,         none,          none,           admitAnswer         ],
  ['fence, upstream',  fenceAndWrite,      none,           fenceAndReach,       fenceAndReach,       fenceAndReach,       fenceAndReach,       none,         none,           fenceAndWriteModel, none,             none,          none,           fenceAndTell        ],
  ['fence, answer',    fenceAndAnswerCall, fenceAndAnswer, fenceAndAnswerReach, fenceAndAnswerReach, fenceAndAnswerReach, fenceAndAnswerReach, fenceAndTake, fenceAndStream, fenceAndRelay,      fenceAndHandOver, answerSession, fenceAndAnswer, fenceAndAcknowledge ],
];

/** Takes one request through its column. Undefined: it was answered. Anything that goes wrong inside is a denial. */
export async function pass(passage: Passage): Promise<Denial | undefined> {
  const denial = await walk(passage);
  passage.host.conduct.note(passage, denial);
  return denial;
}

async function walk(passage: Passage): Promise<Denial | undefined> {
  const column = 1 + columns.indexOf(passage.asked.kind);
  try {
    for (const row of gate) {
      const check = row[column] as Check | undefined; // only the first cell of a row is its name
      const verdict = check?.(passage);
      const denial = verdict instanceof Promise ? await verdict : verdict;
      if (denial !== undefined) return denial;
    }
    return undefined;
  } catch (thrown) {
    passage.host.log.error(
      { event: 'gate.failed', code: errorCodeOf(thrown), error: String(thrown) },
      'a step of the gate failed; the request is denied',
    );
    return denied(
      (passage.facts.call ?? passage.facts.modelCall ?? passage.facts.telling)?.isWritten() === true
        ? 'possibly-completed'
        : 'internal',
    );
  } finally {
    settle(passage);
  }
}

/** However it ended: the call is open no longer, and the ledger learns what is known. */
function settle({ host, facts }: Passage): void {
  const { outcome, used } = facts;
  facts.leave?.();
  const call = facts.call ?? facts.modelCall ?? facts.telling;
  if (call === undefined) return;
  host.openCalls.remove(call.callId);
  call.release();
  if (outcome !== undefined) host.settle(call.callId, outcome, used);
}
