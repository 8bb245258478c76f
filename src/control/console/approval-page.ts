import { html } from 'hono/html';
import type { ApprovalContext } from '../../contract/http/approval-context.ts';
import { plural } from '../../contract/plural.ts';
import { decideApproval } from '../routes/decide-approval.ts';
import { getApprovalContext } from '../routes/get-approval-context.ts';
import { toneOf } from './approvals-page.ts';
import { fenced, fencedDiff } from './fenced.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer } from './offer.ts';
import { onceField, onceIn } from './once.ts';
import { chipOfTier, tierChip } from './tools-page.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { age, clock, relative } from './when.ts';

/** Exactly one call: what is known about it first, then what would be sent, whole, and then the decision. */
export const approvalPage: ConsolePage = {
  path: '/approvals/:id',
  show: async (visit, parameter) => {
    const context = await visit.ask<ApprovalContext>(getApprovalContext, { path: { id: parameter('id') } });
    const { approval } = context;
    const isOpen = approval.state === 'pending';
    return {
      title: `${isOpen ? 'Approve' : 'Approval of'} ${approval.tool}`,
      place: 'approvals',
      scope: `agent:${approval.agentId}`,
      watch: ['approval'],
      body: html`
<div><p class="dim"><a href="/approvals">Approvals</a></p>
<h1>${foreign(approval.tool, 160)}</h1>
<div id="approval-state" data-live class="row">${stateChips(visit, context)}</div></div>
<section class="card" aria-labelledby="risk"><h2 id="risk">What is known about it</h2><dl class="facts">${facts(visit, context)}</dl></section>
<section class="stack" aria-labelledby="sent"><h2 id="sent">What would be sent</h2>
${fenced('Made by estop from the bytes that will be sent; the values are the agent’s', approval.shown)}
<p class="dim"><small>SHA-256 of the canonical bytes <span class="mono">${approval.digest}</span></small></p></section>
${context.similar === null ? html`<p class="note">No call of this tool by this agent was decided before.</p>` : similar(visit, context)}
<div id="approval-decision" data-live="${approval.state}${context.mayApprove ? ', yours' : ''}">${isOpen ? decision(visit, context) : over(visit, context)}</div>`,
    };
  },
};

function stateChips(visit: Visit, { approval }: ApprovalContext): readonly Markup[] {
  if (approval.state !== 'pending')
    return [html`<span class="chip ${toneOf(approval.state)}">${approval.state}</span>`];
  return [
    html`<span class="chip warn">waits; ends ${relative(approval.expiresAt, visit.now)} as a denial</span>`,
    ...(approval.approvers === 2 ? [html`<span class="chip warn">two different people</span>`] : []),
    ...(approval.firstBy === null ? [] : [html`<span class="chip">first: ${foreign(approval.firstBy, 80)}</span>`]),
  ];
}

function facts(visit: Visit, { approval, tool, task, owner, stopHolder, lately }: ApprovalContext): Markup {
  return html`
<dt>Risk tier</dt><dd>${tool === null ? html`${chipOfTier('unknown')} <small>not on record</small>` : html`${tierChip(tool)} <small>${tool.decidedTier === null ? html`proposed: ${foreign(tool.because, 200)}` : 'as estop.yaml decides'}</small>`}</dd>
${tool !== null && tool.state !== 'accepted' ? html`<dt>Definition</dt><dd><span class="chip bad">${tool.state}</span> <a href="/tools/${tool.tool}">look at it</a></dd>` : nothing}
<dt>Agent</dt><dd><a href="/agents/${approval.agentId}">${approval.agentId}</a> <small>owner ${foreign(owner ?? 'unknown', 80)}, stop-holder ${foreign(stopHolder ?? 'unknown', 80)}</small></dd>
<dt>Asked for by</dt><dd>${foreign(approval.requestedBy, 120)}</dd>
<dt>Task</dt><dd><a href="/tasks/${approval.taskId}">…${approval.taskId.slice(-6)}</a>${task === null ? nothing : html` <small>${foreign(task.purpose, 200)}${task.depth > 0 ? `, child at depth ${task.depth}` : ''}${task.stoppedBy === null ? '' : ', under a stop'}${task.held ? ', on hold' : ''}</small>`}</dd>
<dt>In a day</dt><dd>${lately.approved} approved, ${lately.denied} denied of this tool; ${plural(lately.pendingOfAgent, 'call')} of this agent waiting</dd>
${approval.reasons.length === 0 ? nothing : html`<dt>Asked because</dt><dd>${approval.reasons.map(({ policy, sentence }) => html`<p>${foreign(sentence, 400)} <small class="mono">${foreign(policy, 80)}</small></p>`)}</dd>`}
<dt>Asked</dt><dd>${clock(approval.requestedAt, visit.now)}, ${age(approval.requestedAt, visit.now)} ago</dd>
<dt>Policy</dt><dd class="mono">${foreign(approval.policyVersion, 80)}</dd>`;
}

function similar(visit: Visit, { approval, similar: last }: ApprovalContext): Markup {
  if (last === null) return nothing;
  const words = html`${last.state === 'denied' ? 'Denied' : 'Approved'} ${last.decidedAt === null ? '' : clock(last.decidedAt, visit.now)} by ${foreign(last.decidedBy ?? '?', 80)}${last.decisionReason === null || last.decisionReason === '' ? nothing : html`: “${foreign(last.decisionReason, 200)}”`}`;
  return html`<section class="stack" aria-labelledby="last"><h2 id="last">Against the last one like it</h2><p>${words}</p>
  ${
    last.shown === approval.shown
      ? html`<p class="note">Its arguments were the same.</p>`
      : fencedDiff('− that one   + this one', last.shown, approval.shown)
  }</section>`;
}

/** One decision, once. Denying is beside approving and as easy; who asked for the task is shown why only that is left. */
function decision(visit: Visit, { approval, mayApprove, whyNot, approvableInMs }: ApprovalContext): Markup {
  return offer(
    visit,
    approvalForm,
    {
      to: `/approvals/${approval.approvalId}`,
      look: 'stack',
      around: (form) => html`<section class="card" aria-labelledby="decide"><h2 id="decide">Decide</h2>
  ${whyNot === null ? nothing : html`<p class="note warn">${whyNot}</p>`}
  ${mayApprove && approvableInMs > 0 ? html`<p class="note">Of the highest risk: it can be approved ${plural(Math.ceil(approvableInMs / 1_000), 'second')} after it was shown to you first, and denied at once.</p>` : nothing}
  ${form}</section>`,
      otherwise: html`<p class="note">${whyNot ?? ''}</p>`,
    },
    html`${onceField()}
    <label class="field">Reason <small>shown to whoever asks later; needed to deny</small><input type="text" name="reason" maxlength="500" autocomplete="off"></label>
    <div class="row"><button name="decision" value="denied">Deny this call</button>${mayApprove ? html`<button name="decision" value="approved">Approve this call, once</button>` : nothing}</div>`,
  );
}

function over(visit: Visit, { approval }: ApprovalContext): Markup {
  const by = approval.decidedBy === null ? nothing : html` by ${foreign(approval.decidedBy, 120)}`;
  return html`<section class="note"><h2>${approval.state === 'redeemed' ? 'Approved, and used' : `It is ${approval.state}`}</h2>
    <p>${approval.decidedAt === null ? nothing : clock(approval.decidedAt, visit.now)}${by}${approval.decisionReason === null || approval.decisionReason === '' ? nothing : html`: “${foreign(approval.decisionReason, 500)}”`}</p>
    ${approval.stoppedBy === null ? nothing : html`<p>Closed by <a href="/stops/${approval.stoppedBy}">a stop</a>.</p>`}</section>`;
}

export const approvalForm: ConsoleForm = {
  path: '/approvals/:id',
  asks: [decideApproval],
  take: async (visit, fields, parameter) => {
    const id = parameter('id');
    const reason = field(fields, 'reason');
    // Neither word: refused by the endpoint, as any other.
    const word = field(fields, 'decision');
    await visit.ask(decideApproval, {
      path: { id },
      body: { decision: word, ...(reason === '' && word !== 'denied' ? {} : { reason }) },
      once: onceIn(fields),
    });
    return `/approvals/${encodeURIComponent(id)}`;
  },
};
