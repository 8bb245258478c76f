import { createHash, randomBytes } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { defaultSignIn } from '../../contract/config.ts';
import type { ChatPerson, SlackEndpoint } from '../../contract/notifications.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { personNamed } from '../../core/mandate.ts';
import { getApproval } from '../../store/approvals.ts';
import { byWay } from '../../store/by-way.ts';
import { configAt } from '../../store/config-versions.ts';
import { isDisabled } from '../../store/people.ts';
import { beginRequest, finishRequest } from '../../store/requests.ts';
import { readToolPins } from '../../store/tool-pins.ts';
import { buttonApprover } from '../approvers/listed-approvers.ts';
import type { ControlDeps } from '../deps.ts';
import { isOfHighestRisk } from '../minimum-look.ts';
import { perform } from '../perform.ts';
import { readBounded } from '../read-json.ts';
import { recordDenial } from '../record-denial.ts';
import type { RefusedAttempts } from '../refused-attempts.ts';
import { decideApproval } from '../routes/decide-approval.ts';
import type { Caller } from '../sign-in/callers.ts';
import { createSourceOf } from '../sign-in/source-of.ts';
import { wasBehindButton } from './behind-button.ts';
import { isFromSlack, type Press, readPress } from './slack-press.ts';

const staleMs = 30_000;

/**
 * POST /v1/slack/<endpoint>/actions: a button on a card of ours, if buttons are configured. It is the same decision as over the API:
 * the same roles, never by whoever asked, written into the same ledger; the card follows from that. A press is taken once, whoever
 * sends it again. What is destructive, or needs two, is never approved here: there a person looks at the call itself.
 */
export function slackDoor(app: OpenAPIHono, control: ControlDeps, refused: RefusedAttempts): void {
  const deps: ControlDeps = { ...control, store: byWay(control.store, 'slack') };
  const sourceOf = createSourceOf(deps.trustedProxies);
  app.post('/v1/slack/:endpoint/actions', async (context) => {
    const endpoint = endpointOf(deps, context.req.param('endpoint'));
    const body = new TextDecoder().decode(await readBounded(context.req.raw));
    const signature = context.req.header('x-slack-signature') ?? '';
    const signed = { timestamp: context.req.header('x-slack-request-timestamp') ?? '', signature, body };
    const secret =
      endpoint?.buttons === undefined ? '' : (deps.readSecret?.(endpoint.buttons.signingSecret).trim() ?? '');
    const subject = `slack:${endpoint?.endpointId ?? 'unknown'}`;
    if (endpoint === undefined || !isFromSlack(secret, signed, Date.now())) {
      const because = endpoint === undefined ? 'unknown-endpoint' : 'forged-or-old';
      refused.note({ door: 'slack', source: sourceOf(context) || 'unknown', subject, because });
      throw new EstopError('unauthenticated');
    }
    const press = readPress(body, endpoint);
    if ('refused' in press) {
      deps.log.warn(
        { event: 'chat.press-refused', endpoint: endpoint.endpointId, by: press.by, because: press.refused },
        'a button was pressed by nobody who may',
      );
      refused.note({ door: 'slack', source: `slack:${press.by}`, subject, because: press.refused });
      throw new EstopError('forbidden');
    }
    const key = { actor: `slack:${endpoint.endpointId}`, key: createHash('sha256').update(signature).digest('hex') };
    const hash = createHash('sha256').update(body).digest();
    const begun = await beginRequest(deps.store, { ...key, hash, staleMs });
    if (begun.kind !== 'fresh') {
      refused.note({ door: 'slack', source: press.person.actor, subject, because: 'sent-again' });
      return context.json({ outcome: 'seen-before' }, 200);
    }
    try {
      const outcome = await decide(context, deps, endpoint, press);
      await finishRequest(deps.store, { ...key, status: 200, response: { outcome } });
      return context.json({ outcome }, 200);
    } catch (thrown) {
      await finishRequest(deps.store, { ...key, status: 200, response: { outcome: 'refused' } }).catch(() => undefined);
      throw thrown;
    }
  });
}

function endpointOf(deps: ControlDeps, name: string): SlackEndpoint | undefined {
  const found = deps.config.current().notifications?.endpoints.find(({ endpointId }) => endpointId === name);
  return found?.type === 'slack' && found.buttons !== undefined ? found : undefined;
}

async function decide(
  context: Context,
  deps: ControlDeps,
  { endpointId, buttons }: SlackEndpoint,
  { person, decision, approvalId }: Press,
): Promise<string> {
  if (await isDisabled(deps.store, person.actor)) {
    await recordDenial(deps, person, decideApproval.id, `/v1/approvals/${approvalId}`, 'forbidden');
    throw new EstopError('forbidden', { detail: 'An admin of estop has disabled you here.' });
  }
  if (decision === 'approved')
    await refuseWhatNeedsALook(deps, approvalId, endpointId, person).catch(async (thrown: unknown) => {
      await recordDenial(deps, person, decideApproval.id, `/v1/approvals/${approvalId}`, errorCodeOf(thrown));
      throw thrown;
    });
  const { persons } = deps.config.current().signIn ?? defaultSignIn;
  const identity: Caller = {
    actor: person.actor,
    person: personNamed(person.actor, persons),
    roles: person.roles,
    listedAs: buttonApprover({ ...person, endpointId, teamId: buttons?.teamId ?? '' }),
  };
  await perform(
    decideApproval,
    {
      identity,
      requestId: formatId('req', deps.environment, randomBytes(16)),
      way: 'slack',
      // What it was about: the way says that it was a button.
      path: `/v1/approvals/${approvalId}`,
      signal: context.req.raw.signal,
      header: (name) => context.req.header(name),
      idempotencyKey: undefined,
      callerNow: () => identity,
      input: async () => ({
        path: { id: approvalId },
        query: {},
        body: { decision, reason: 'by a button in the chat' },
        text: '',
      }),
    },
    deps,
  );
  return decision;
}

/**
 * Only what the accepted definition and estop.yaml both know to be less than destructive, by somebody who was behind this button when it
 * was asked for. Whatever is not known is refused.
 */
async function refuseWhatNeedsALook(
  deps: ControlDeps,
  approvalId: string,
  endpointId: string,
  person: ChatPerson,
): Promise<void> {
  const approval = await getApproval(deps.store, approvalId);
  if (approval === undefined) throw new EstopError('unknown-approval');
  const then = await configAt(deps.store, approval.requestedAt);
  if (!wasBehindButton(then?.document, endpointId, person))
    throw new EstopError('approval-not-eligible', {
      detail: 'When this call was asked for, estop.yaml did not name you as an approver behind this button.',
    });
  const pins = await readToolPins(deps.store, approval.toolKey.replace(/^tool:/, ''));
  if (isOfHighestRisk(approval, pins, deps.config.current().toolServers))
    throw new EstopError('approval-not-eligible', {
      detail: 'This is approved where the call itself can be seen: open it.',
    });
}
