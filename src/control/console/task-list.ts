import { html } from 'hono/html';
import type { Task } from '../../contract/http/tasks.ts';
import { agentLink } from './agent-link.ts';
import { foreign, type Markup } from './markup.ts';
import { age } from './when.ts';

export function taskList(tasks: readonly Task[], now: number, none: Markup): Markup {
  if (tasks.length === 0) return html`<p class="card empty">${none}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Tasks"><table class="fold">
<thead><tr><th scope="col">Task</th><th scope="col">Agent</th><th scope="col">State</th><th scope="col">Purpose</th><th scope="col">Asked by</th><th scope="col">Age</th></tr></thead>
<tbody>${tasks.map(
    (
      task,
    ) => html`<tr><th scope="row" data-of="Task"><a href="/tasks/${task.taskId}">…${task.taskId.slice(-6)}</a></th><td data-of="Agent">${agentLink(task.agentId)}</td>
<td data-of="State">${taskState(task)}</td><td data-of="Purpose">${task.purpose === '' ? '–' : foreign(task.purpose, 120)}</td><td data-of="Asked by">${foreign(task.requestedBy, 60)}</td><td data-of="Age">${age(task.registeredAt, now)}</td></tr>`,
  )}</tbody></table></div>`;
}

export function taskState(task: Task): Markup {
  if (task.state === 'closed')
    return html`<span class="chip">closed${task.outcome === null ? '' : `: ${task.outcome}`}</span>`;
  if (task.stoppedBy !== null) return html`<span class="chip bad">stop in force</span>`;
  return task.held ? html`<span class="chip warn">on hold</span>` : html`<span class="chip good">${task.state}</span>`;
}
