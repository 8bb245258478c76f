import { html } from 'hono/html';
import type { Approval, ApprovalPage, ListedApproval } from '../../contract/http/approvals.ts';
import { plural } from '../../contract/plural.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { decideApproval } from '../routes/decide-approval.ts';
import { listApprovals } from '../routes/list-approvals.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer, standingOf } from './offer.ts';
import { stopLink } from './stop-dialog.ts';
import { chipOfTier } from './tools-page.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { age, relative } from './when.ts';

const atOnce = 100;
const mostDenied = 100;

/** What waits for a person. Opened one by one to approve, because each is one call; denied in a batch, because that can hurt nobody. */
export const approvalsPage: ConsolePage = {
  path: '/approvals',
  show: async (visit) => {
    const all = visit.query('state') === 'all';
    const cursor = visit.query('cursor');
    const page = await visit.ask<ApprovalPage>(listApprovals, {
      query: { state: all ? 'all' : 'pending', limit: String(atOnce), cursor },
    });
    const groups = byAgent(page.items);
    const isWhole = page.next === null && (cursor ?? '') === '';
    return {
      title: 'Approvals',
      place: 'approvals',
      watch: ['approval'],
      againAfterSeconds: 30,
      body: html`
<div class="row between"><h1>${all ? 'Approvals' : 'Waiting for a person'}</h1><a class="button quiet" href="${all ? '/approvals' : '/approvals?state=all'}">${all ? 'Only what waits' : 'Also those of the past'}</a></div>
<div id="inbox" data-live class="stack">${page.items.length === 0 ? empty(all) : groups.map(([agentId, items]) => agentGroup(visit, agentId, items, isWhole))}
${page.next === null ? nothing : html`<p><a class="button" href="/approvals?${all ? 'state=all&' : ''}cursor=${page.next}">Older</a></p>`}</div>`,
    };
  },
};

function byAgent(items: readonly ListedApproval[]): readonly (readonly [string, readonly ListedApproval[]])[] {
  const groups = new Map<string, ListedApproval[]>();
  for (const item of items) groups.set(item.agentId, [...(groups.get(item.agentId) ?? []), item]);
  return [...groups];
}

/** A form an agent: what is ticked in one can never reach into another. */
function agentGroup(visit: Visit, agentId: string, items: readonly ListedApproval[], isWhole: boolean): Markup {
  const open = items.filter(({ state }) => state === 'pending');
  const mayDeny = standingOf(visit, denyForm) === 'open' && open.length > 1;
  const cards = html`<ul class="cards">${items.map((item) => html`<li>${card(visit, item, mayDeny)}</li>`)}</ul>`;
  return html`<section class="stack" aria-label="${agentId}"><div class="row between"><h2><a href="/agents/${agentId}">${agentId}</a> <small>${plural(open.length, 'call')} waiting${isWhole ? '' : ' on this page'}</small></h2>${open.length > 1 ? stopLink(visit, `agent:${agentId}`, `agent ${agentId}`) : nothing}</div>
  ${
    mayDeny
      ? offer(
          visit,
          denyForm,
          { to: '/approvals/deny', look: 'stack' },
          html`<input type="hidden" name="agent" value="${agentId}">${cards}
    <div class="card inline"><label class="field">Why not<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><button>Deny those ticked</button></div>`,
        )
      : cards
  }</section>`;
}

function card(visit: Visit, item: ListedApproval, mayDeny: boolean): Markup {
  const isOpen = item.state === 'pending';
  return html`<article class="card"><div class="row between">
    <h3><a href="/approvals/${item.approvalId}">${foreign(item.tool, 120)}</a></h3>
    ${isOpen ? html`<span class="chip warn">ends ${relative(item.expiresAt, visit.now)}</span>` : html`<span class="chip ${toneOf(item.state)}">${item.state}</span>`}</div>
  <p class="row">${riskOf(item)}</p>
  <p><small>asked ${age(item.requestedAt, visit.now)} ago for a task of ${foreign(item.requestedBy, 80)}${item.approvers === 2 ? html` · <strong>two people</strong>${item.firstBy === null ? '' : html`, first ${foreign(item.firstBy, 80)}`}` : nothing}</small></p>
  <p class="gist">${foreign(gistOf(item), 140)}</p>
  ${mayDeny && isOpen ? html`<label class="choice"><input type="checkbox" name="approval" value="${item.approvalId}">Tick to deny</label>` : nothing}
</article>`;
}

const riskOf = ({ risk }: ListedApproval): Markup =>
  risk === null
    ? html`${chipOfTier('unknown')} <small>the tool is not on record</small>`
    : html`${chipOfTier(risk.tier)} <small>${risk.by === 'proposed' ? 'as proposed' : 'as estop.yaml decides'}</small>`;

/** Enough to tell one from another, never enough to decide by: that is what its own page is for. */
const gistOf = ({ shown }: Approval): string => shown.split('\n').slice(1).join(' ').replaceAll(/ {2,}/g, ' ');

export const toneOf = (state: Approval['state']): string => {
  if (state === 'approved' || state === 'redeemed') return 'good';
  return state === 'denied' ? 'bad' : '';
};

const empty = (all: boolean): Markup =>
  all
    ? html`<div class="card empty"><h2>No call was ever asked about</h2><p>A call waits for a person where the policy says so, or where estop.yaml marks its tool <code>ask</code>.</p><p><a href="/policy">The policy in force</a></p></div>`
    : html`<div class="card empty"><h2>Nothing waits</h2><p>Calls that need a person stand here, and whoever follows them is told.</p></div>`;

/** One denial each, by the same door as a single one; what was closed meanwhile is no reason to stop at it. */
export const denyForm: ConsoleForm = {
  path: '/approvals/deny',
  asks: [decideApproval],
  take: async (visit, fields) => {
    const ticked = fields.get('approval') ?? [];
    const reason = field(fields, 'reason');
    if (ticked.length === 0)
      throw new EstopError('invalid-input', { fields: [{ pointer: 'approval', message: 'Tick those to deny.' }] });
    if (ticked.length > mostDenied)
      throw new EstopError('invalid-input', { fields: [{ pointer: 'approval', message: `At most ${mostDenied}.` }] });
    const missed: string[] = [];
    for (const id of ticked) {
      try {
        await visit.ask(decideApproval, { path: { id }, body: { decision: 'denied', reason } });
      } catch (thrown) {
        const code = errorCodeOf(thrown);
        if (code !== 'approval-closed' && code !== 'unknown-approval') throw thrown;
        missed.push(id);
      }
    }
    if (missed.length === 0) return '/approvals';
    return {
      title: 'Not all were denied',
      place: 'approvals',
      status: 409,
      body: html`<h1>${plural(ticked.length - missed.length, 'call')} denied</h1>
        <p class="note warn">${plural(missed.length, 'call')} ${missed.length === 1 ? 'was' : 'were'} closed already: ${missed.map((id) => html`<br><a href="/approvals/${id}">${foreign(id, 80)}</a>`)}</p>
        <p><a href="/approvals">What waits</a></p>`,
    };
  },
};
