import { html } from 'hono/html';
import type { Budget } from '../../contract/http/limits.ts';
import { foreign, type Markup } from './markup.ts';
import { money } from './money.ts';

const units = ['calls', 'tokens', 'microcents'] as const;

/** How full each budget is: what is spent and reserved together, against its limit. */
export function budgetGauges(budgets: readonly Budget[]): Markup {
  return html`<ul class="cards">${budgets.slice(0, 24).flatMap((budget) =>
    units.flatMap((unit) => {
      const most = budget.limit[unit];
      return most === undefined ? [] : [html`<li>${gauge(budget, unit, most)}</li>`];
    }),
  )}</ul>`;
}

function gauge(budget: Budget, unit: (typeof units)[number], most: number): Markup {
  const used = budget.used[unit];
  const share = most === 0 ? 100 : Math.min(100, Math.round((used / most) * 100));
  const words = (amount: number): string => (unit === 'microcents' ? money(amount) : amount.toLocaleString('en'));
  const heat = share >= 90 ? 'hot' : share >= 70 ? 'warm' : '';
  const name = unit === 'microcents' ? 'money' : unit;
  const reserved = budget.reserved[unit];
  return html`<div class="row between"><span>${scopeWords[budget.scope]} ${budget.of === '' || budget.scope === 'agent' ? '' : html`<small>${foreign(budget.of.length > 30 ? `…${budget.of.slice(-10)}` : budget.of, 60)}</small>`} · ${name}</span>
    <span><strong>${words(used)}</strong> of ${words(most)}${reserved === 0 ? '' : html` <small>(${words(reserved)} reserved)</small>`}</span></div>
  <svg class="gauge" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${share} per cent"><rect class="fillbar ${heat}" width="${share}" height="10"></rect></svg>`;
}

const scopeWords: Readonly<Record<Budget['scope'], string>> = {
  call: 'Each call',
  task: 'Task',
  tree: 'Tree of tasks',
  agent: 'Agent',
  day: 'Day',
};
