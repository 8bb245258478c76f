import { html } from 'hono/html';
import type { TaskPage } from '../../contract/http/tasks.ts';
import { drilledConnector } from '../../contract/names.ts';
import { listTasks } from '../routes/list-tasks.ts';
import { type Markup, nothing } from './markup.ts';
import { taskList } from './task-list.ts';
import type { ConsolePage } from './view.ts';

export const tasksPage: ConsolePage = {
  path: '/tasks',
  show: async (visit) => {
    const agent = visit.query('agent') ?? '';
    const state = visit.query('state') ?? '';
    const drills = visit.query('drills') === 'true' ? 'true' : '';
    const asked = { agent, state, drills };
    const page = await visit.ask<TaskPage>(listTasks, {
      query: { ...asked, cursor: visit.query('cursor'), limit: '50' },
    });
    const isOfDrills = drilledConnector(agent) !== undefined;
    return {
      title: 'Tasks',
      place: 'now',
      watch: ['task', 'stop'],
      ...(agent === '' || isOfDrills ? {} : { scope: `agent:${agent}` }),
      body: html`<h1>Tasks</h1>
<form method="get" action="/tasks" class="filters"><label class="field">Agent<input type="text" name="agent" value="${agent}" maxlength="80" autocapitalize="none" spellcheck="false"></label>
<label class="field">State<select name="state"><option value="">any</option>${['open', 'closed'].map((one) => html`<option ${one === state ? html`selected` : ''}>${one}</option>`)}</select></label>${drills === '' ? nothing : html`<input type="hidden" name="drills" value="true">`}<button>Show</button></form>
${isOfDrills ? nothing : drillWords(asked)}
<div id="tasks" data-live>${taskList(page.items, visit.now, html`No task matches. <a href="/">What runs now</a>`)}</div>
${page.next === null ? nothing : html`<p><a class="button" href="${tasksAt({ ...asked, cursor: page.next })}">Older</a></p>`}`,
    };
  },
};

type Asked = Readonly<Record<'agent' | 'state' | 'drills', string>>;

/** What is left out is said, with the way to it. */
const drillWords = (asked: Asked): Markup =>
  asked.drills === ''
    ? html`<p class="lead">Without drills that are over. <a href="${tasksAt({ ...asked, drills: 'true' })}">Show them too</a></p>`
    : html`<p class="lead">Drills that are over among them. <a href="${tasksAt({ ...asked, drills: '' })}">Leave them out</a></p>`;

function tasksAt(asked: Asked & { readonly cursor?: string }): string {
  const given = Object.entries(asked).filter(([, value]) => value !== '');
  return given.length === 0 ? '/tasks' : `/tasks?${new URLSearchParams(given).toString()}`;
}
