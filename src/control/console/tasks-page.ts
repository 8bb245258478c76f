import { html } from 'hono/html';
import type { TaskPage } from '../../contract/http/tasks.ts';
import { listTasks } from '../routes/list-tasks.ts';
import { nothing } from './markup.ts';
import { taskList } from './task-list.ts';
import type { ConsolePage } from './view.ts';

export const tasksPage: ConsolePage = {
  path: '/tasks',
  show: async (visit) => {
    const agent = visit.query('agent');
    const state = visit.query('state');
    const page = await visit.ask<TaskPage>(listTasks, {
      query: { agent, state, cursor: visit.query('cursor'), limit: '50' },
    });
    const more = new URLSearchParams([
      ...(agent === undefined ? [] : [['agent', agent]]),
      ...(state === undefined ? [] : [['state', state]]),
      ['cursor', page.next ?? ''],
    ] as [string, string][]);
    return {
      title: 'Tasks',
      place: 'now',
      watch: ['task', 'stop'],
      ...(agent === undefined || agent === '' ? {} : { scope: `agent:${agent}` }),
      body: html`<h1>Tasks</h1>
<form method="get" action="/tasks" class="filters"><label class="field">Agent<input type="text" name="agent" value="${agent ?? ''}" maxlength="63" autocapitalize="none" spellcheck="false"></label>
<label class="field">State<select name="state"><option value="">any</option>${['open', 'closed'].map((one) => html`<option ${one === state ? html`selected` : ''}>${one}</option>`)}</select></label><button>Show</button></form>
<div id="tasks" data-live>${taskList(page.items, visit.now, html`No task matches. <a href="/">What runs now</a>`)}</div>
${page.next === null ? nothing : html`<p><a class="button" href="/tasks?${more.toString()}">Older</a></p>`}`,
    };
  },
};
