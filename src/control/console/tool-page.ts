import { html } from 'hono/html';
import type { ToolDefinition, ToolDefinitionPage } from '../../contract/http/tools.ts';
import { definitionLines } from '../../core/definition-lines.ts';
import { acceptTool } from '../routes/accept-tool.ts';
import { getTool } from '../routes/get-tool.ts';
import { fenced, fencedDiff } from './fenced.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { mayGiveReason, reasonIn } from './may-give-reason.ts';
import { offer } from './offer.ts';
import { tierChip } from './tools-page.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock } from './when.ts';

const writtenBy = 'Written by its server, spelled out line by line';

export const toolPage: ConsolePage = {
  path: '/tools/:server/:tool',
  show: async (visit, parameter) => {
    const id = `${parameter('server')}/${parameter('tool')}`;
    const { items } = await visit.ask<ToolDefinitionPage>(getTool, { path: { id } });
    const accepted = items.find(({ state }) => state === 'accepted');
    const of = (wanted: ToolDefinition['state']) => items.filter(({ state }) => state === wanted).toReversed();
    const [waiting, refused] = [of('changed'), of('blocked')];
    const [shown] = items;
    return {
      title: id,
      place: 'tools',
      scope: `tool:${id}`,
      body: html`
<div><p class="dim"><a href="/tools">Tools</a></p><h1>${foreign(id, 160)}</h1><div class="chips">${shown === undefined ? nothing : tierChip(accepted ?? shown)}${waiting.length === 0 ? html`<span class="chip good">accepted</span>` : html`<span class="chip bad">not called: look at what changed</span>`}</div></div>
${waiting.map((other) => changed(visit, accepted, other))}
${
  accepted === undefined
    ? nothing
    : html`<section class="stack"><h2>Accepted</h2><dl class="facts card">${facts(accepted, visit.now)}</dl>${fenced(writtenBy, definitionLines(accepted.definition).join('\n'))}
${waiting.length === 0 ? nothing : acceptForm(visit, accepted, 'Keep this one, and refuse every other')}</section>`
}
${refused.map((other) => changed(visit, accepted, other))}`,
    };
  },
};

function changed(visit: Visit, accepted: ToolDefinition | undefined, other: ToolDefinition): Markup {
  const now = definitionLines(other.definition).join('\n');
  // Somebody has looked at it and accepted another one: it is the past, until its server shows it again.
  const isRefused = other.state === 'blocked';
  return html`<section class="stack"><h2>${isRefused ? 'Refused' : 'Changed'}</h2>
${other.resembles === null ? nothing : html`<p class="note bad">Its name could be taken for ${foreign(other.resembles, 120)}.</p>`}
<dl class="facts card">${facts(other, visit.now)}</dl>
${accepted === undefined ? fenced(writtenBy, now) : fencedDiff(`− accepted   + ${isRefused ? 'refused' : 'shown now'}; written by its server`, definitionLines(accepted.definition).join('\n'), now)}
${acceptForm(visit, other, 'Accept exactly this definition')}</section>`;
}

const facts = (pin: ToolDefinition, now: number): Markup => html`
<dt>Proposed tier</dt><dd>${pin.proposedTier} <small>${foreign(pin.because, 200)}</small></dd>
<dt>estop.yaml</dt><dd>${pin.decidedTier ?? 'says nothing of its tier'}</dd>
<dt>Seen</dt><dd>first ${clock(pin.firstSeenAt, now)}, last ${clock(pin.lastSeenAt, now)}</dd>
<dt>Accepted</dt><dd>${pin.acceptedAt === null ? 'no' : html`${clock(pin.acceptedAt, now)} ${pin.acceptedBy === 'first-sight' ? 'at first sight' : html`by ${foreign(pin.acceptedBy ?? '?', 80)}`}`}</dd>
<dt>SHA-256</dt><dd class="mono">${pin.hash}</dd>`;

function acceptForm(visit: Visit, pin: ToolDefinition, words: string): Markup {
  const otherwise = html`<p class="note">Accepting a definition needs the role admin.</p>`;
  const fields = html`<input type="hidden" name="hash" value="${pin.hash}">${mayGiveReason()}<button>${words}</button>`;
  return offer(visit, acceptToolForm, { to: `/tools/${encodeURI(pin.tool)}`, look: 'inline', otherwise }, fields);
}

/** By hash: nothing can be put in the place of what was looked at. */
export const acceptToolForm: ConsoleForm = {
  path: '/tools/:server/:tool',
  asks: [acceptTool],
  take: async (visit, fields, parameter) => {
    const id = `${parameter('server')}/${parameter('tool')}`;
    await visit.ask(acceptTool, { path: { id }, body: { hash: field(fields, 'hash'), ...reasonIn(fields) } });
    return `/tools/${encodeURI(id)}`;
  },
};
