import { html } from 'hono/html';
import type { HistoryEntry, Task, TaskHistory, TaskTree } from '../../contract/http/tasks.ts';
import { plural } from '../../contract/plural.ts';
import { parseId } from '../../core/ids.ts';
import type { Endpoint } from '../endpoint.ts';
import { closeSession } from '../routes/close-session.ts';
import { getTaskHistory } from '../routes/get-task-history.ts';
import { getTaskTree } from '../routes/get-task-tree.ts';
import { holdTask } from '../routes/hold-task.ts';
import { releaseTask } from '../routes/release-task.ts';
import { agentLink, agentWords, connectorLink } from './agent-link.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { mayGiveReason, reasonIn } from './may-give-reason.ts';
import { offer } from './offer.ts';
import { onceField, onceIn } from './once.ts';
import { taskState } from './task-list.ts';
import type { ConsoleForm, ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';
import { age, clock } from './when.ts';

export const taskPage: ConsolePage = {
  path: '/tasks/:id',
  show: async (visit, parameter) => {
    const path = { id: parameter('id') };
    const [history, tree] = await Promise.all([
      visit.ask<TaskHistory>(getTaskHistory, { path }),
      visit.ask<TaskTree>(getTaskTree, { path }),
    ]);
    const { task } = history;
    return {
      title: `Task …${task.taskId.slice(-6)} of ${agentWords(task.agentId)}`,
      place: 'now',
      scope: `task:${task.taskId}`,
      watch: ['task', 'stop', 'approval'],
      againAfterSeconds: 15,
      body: html`
<div><p class="dim">${agentLink(task.agentId)}</p><h1>Task …${task.taskId.slice(-6)}</h1>
<div class="chips" id="task-state" data-live>${taskState(task)}${task.kind === 'session' ? html`<span class="chip">session of an agent outside</span>` : nothing}${task.stoppedBy === null ? nothing : html`<a class="chip bad" href="/stops/${task.stoppedBy}">the stop</a>`}</div></div>
<div class="two"><section class="stack"><h2>Timeline</h2><div id="task-line" data-live>${timeline(visit, history)}</div></section>
<section class="stack"><div class="card"><dl class="facts">${facts(task, visit.now)}</dl>${workflow(task)}</div>
<div id="task-hold" data-live>${holdForm(visit, task)}</div>
<h2>Its tree</h2><div id="task-tree" data-live class="card tree">${treeOf(tree, task)}</div></section></div>`,
    };
  },
};

function timeline(visit: Visit, { entries, truncated }: TaskHistory): Markup {
  return html`${truncated ? html`<p class="note">Only the newest ${plural(entries.length, 'entry', 'entries')}; the rest is in the audit and in Temporal.</p>` : nothing}
<ol class="timeline card">${entries.map(({ at, what, by, to }) => html`<li>${clock(at, visit.now)}<span>${linked(visit, what, to)}${by === null ? nothing : html` <span class="dim">by ${foreign(by, 80)}</span>`}</span></li>`)}</ol>`;
}

/** The sentence, with the way to what it names: an id of ours by its end alone, a connector by its name. */
function linked(visit: Visit, what: string, to: HistoryEntry['to']): Markup {
  const name = to === null ? undefined : parseId(to.ref) === undefined ? connectorLink(visit, to.ref) : undefined;
  // What was granted has a name of its own, which may be that of the connector.
  const at = to === null ? -1 : name === undefined ? what.indexOf(to.ref) : what.indexOf(` at ${to.ref}`) + 4;
  if (to === null || at < (name === undefined ? 0 : 4)) return foreign(what, 400);
  const link = name ?? html`<a href="${to.path}">…${to.ref.slice(-6)}</a>`;
  return html`${foreign(what.slice(0, at), 400)}${link}${foreign(what.slice(at + to.ref.length), 400)}`;
}

const facts = (task: Task, now: number): Markup => html`
<dt>Purpose</dt><dd>${task.purpose === '' ? '–' : foreign(task.purpose, 300)}</dd>
<dt>Asked by</dt><dd>${foreign(task.requestedBy, 120)}</dd>
<dt>Registered</dt><dd>${clock(task.registeredAt, now)}, ${age(task.registeredAt, now)} ago</dd>
${task.closedAt === null ? nothing : html`<dt>Closed</dt><dd>${clock(task.closedAt, now)}: ${foreign(task.outcome ?? 'unknown outcome', 120)}</dd>`}
<dt>Epoch</dt><dd>${task.epoch}</dd>
<dt>Id</dt><dd class="mono">${task.taskId}</dd>`;

const workflow = ({ workflow: link }: Task): Markup =>
  link.url === null
    ? html`<p><small class="mono">${link.namespace} ${link.workflowId}</small></p>`
    : html`<p><a href="${link.url}">Its history in Temporal's own UI</a></p>`;

/** Power stays on: a hold is no stop, and is not dressed as one. */
function holdForm(visit: Visit, task: Task): Markup {
  if (task.state === 'closed') return nothing;
  const [verb, form] = task.held ? (['release', releaseForm] as const) : (['hold', holdingForm] as const);
  const look = 'row between';
  const close = html`${onceField()}<span>End the session in an orderly way.</span><button>Close</button>`;
  const closing =
    task.kind === 'session' ? offer(visit, closeForm, { to: `/tasks/${task.taskId}/close`, look }, close) : nothing;
  return offer(
    visit,
    form,
    {
      to: `/tasks/${task.taskId}/${verb}`,
      look,
      around: (made) => html`<div class="card">${made}${closing}</div>`,
    },
    html`${onceField()}
<span>${task.held ? 'On hold: nothing new is admitted for it and its children.' : 'Hold it: nothing new is admitted, for it and its children, until it is released.'}</span>${mayGiveReason()}<button>${task.held ? 'Release' : 'Hold'}</button>`,
  );
}

function treeOf({ items, truncated }: TaskTree, here: Task): Markup {
  const branch = (parent: string | null): Markup => {
    const children = items.filter((task) => task.parentTaskId === parent).toReversed();
    if (children.length === 0) return nothing;
    return html`<ul>${children.map((task) => html`<li>${task.taskId === here.taskId ? html`<strong>…${task.taskId.slice(-6)}</strong>` : html`<a href="/tasks/${task.taskId}">…${task.taskId.slice(-6)}</a>`} ${agentWords(task.agentId)} ${taskState(task)}${branch(task.taskId)}</li>`)}</ul>`;
  };
  return html`${branch(null)}${truncated ? html`<p class="lead">The newest 200 of it.</p>` : nothing}`;
}

const verbForm = (verb: string, endpoint: Endpoint): ConsoleForm => ({
  path: `/tasks/:id/${verb}`,
  asks: [endpoint],
  take: async (visit, fields, parameter) => {
    const id = parameter('id');
    await visit.ask(endpoint, {
      path: { id },
      body: endpoint === closeSession ? {} : reasonIn(fields),
      once: onceIn(fields),
    });
    return `/tasks/${encodeURIComponent(id)}`;
  },
});

const holdingForm = verbForm('hold', holdTask);
const releaseForm = verbForm('release', releaseTask);
const closeForm = verbForm('close', closeSession);

export const taskForms: readonly ConsoleForm[] = [holdingForm, releaseForm, closeForm];
