import { html } from 'hono/html';
import type { PolicyCheck, PolicyTest } from '../../contract/http/policies.ts';
import { plural } from '../../contract/plural.ts';
import { checkPolicies } from '../routes/check-policies.ts';
import { testPolicies } from '../routes/test-policies.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer } from './offer.ts';
import { policiesIn } from './policy-files.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';

const shownRuns = 200;
const shownReasons = 12;
const title = 'Backtest';

/** Recorded runs through the decision that gateways make, by the set in force or by one that is not yet. */
export const backtestPage: ConsolePage = {
  path: '/policy/backtest',
  show: async (visit) => ({
    title,
    place: 'policy',
    body: html`<div><p class="dim"><a href="/policy">Policy</a></p><h1>${title}</h1><p class="lead">What these policies would have said to runs of the past. Asks nobody, calls nothing, changes nothing.</p></div>
${form(visit)}`,
  }),
};

const form = (visit: Visit): Markup =>
  offer(
    visit,
    backtestForm,
    { to: '/policy/backtest', look: 'card stack' },
    html`<p>One run a line: <code>{"run", "request", "tools"?, "calls": [{"tool", "args", "output", "error"?}]}</code>. At most 1 MB and 5,000 calls; beyond that <code>estop policy test</code>, which decides by the same code.</p>
<label class="field">Runs, a file<input type="file" name="runs-file" accept=".jsonl,.ndjson,.json,.txt"></label>
<label class="field">or pasted here<textarea name="runs" rows="6" class="mono" spellcheck="false" autocapitalize="none"></textarea></label>
<label class="field">Definitions of their tools, a file <small>without it only their names are known</small><input type="file" name="tools-file" accept=".json"></label>
<label class="field">Policies to try, all their *.cedar files <small>without them the set in force</small><input type="file" name="policies" accept=".cedar" multiple></label>
<label class="field">Whoever is asked says<select name="assume"><option value="deny">no</option><option value="allow">yes</option></select></label>
<p><button>Decide them</button></p>`,
  );

export const backtestForm: ConsoleForm = {
  path: '/policy/backtest',
  asks: [testPolicies, checkPolicies],
  takesFiles: true,
  take: async (visit, fields) => {
    const runs = field(fields, 'runs-file') === '' ? field(fields, 'runs') : field(fields, 'runs-file');
    const tools = field(fields, 'tools-file');
    const files = policiesIn(fields);
    const result = await visit.ask<PolicyTest>(testPolicies, {
      body: {
        runs,
        assume: field(fields, 'assume'),
        ...(tools === '' ? {} : { tools }),
        ...(files === undefined ? {} : { files }),
      },
    });
    const check = files === undefined ? undefined : await visit.ask<PolicyCheck>(checkPolicies, { body: { files } });
    return {
      title,
      place: 'policy',
      body: html`<div><p class="dim"><a href="/policy">Policy</a></p><h1>${title}</h1><p class="lead">By ${files === undefined ? 'the set in force' : 'the set that you handed in'}, version <span class="mono">${result.version}</span></p></div>
${check === undefined ? nothing : couldBeInForce(check)}${summary(result)}${table(result)}<details class="card" id="again"><summary>Others</summary>${form(visit)}</details>`,
    };
  },
};

/** Against the tools that are accepted now, which a recording knows nothing of. */
function couldBeInForce({ valid, faults, warnings, tools }: PolicyCheck): Markup {
  const said = [...faults, ...warnings].slice(0, 30);
  return html`<section class="note ${valid ? 'good' : 'bad'}"><h2>${valid ? 'It could be put in force' : 'It cannot be put in force'}</h2><p>Checked against ${plural(tools, 'accepted tool')}.</p>
${said.length === 0 ? nothing : html`<ul>${said.map(({ file, policy, message }) => html`<li><code>${foreign([file, policy ?? ''].filter((part) => part !== '').join('#'), 120)}</code> ${foreign(message, 400)}</li>`)}</ul>`}</section>`;
}

function summary({ counts, unjudged }: PolicyTest): Markup {
  const { runs, allow, ask, deny } = counts;
  return html`<section class="card" aria-label="In all"><dl class="numbers"><div><dt>Runs</dt><dd>${runs}</dd></div><div><dt>Allowed</dt><dd>${allow}</dd></div><div><dt>Asked</dt><dd class="${ask > 0 ? 'warm' : ''}">${ask}</dd></div><div><dt>Denied</dt><dd class="${deny > 0 ? 'hot' : ''}">${deny}</dd></div></dl></section>
${unjudged.length === 0 ? nothing : html`<section class="note bad"><h2>Some calls could not be judged, and are denied</h2><ul>${unjudged.map((why) => html`<li>${foreign(why, 300)}</li>`)}</ul></section>`}`;
}

type Item = PolicyTest['items'][number];

/** What would have been held first: that is what a change of policy is tried for. */
function table({ items }: PolicyTest): Markup {
  if (items.length === 0) return html`<p class="card empty">No run was in it.</p>`;
  const isHeld = ({ decisions }: Item): boolean => decisions.some((decision) => decision !== 'allow');
  const sorted = [...items.filter(isHeld), ...items.filter((item) => !isHeld(item))];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table class="fold"><thead><tr><th scope="col">Run</th><th scope="col">Calls</th><th scope="col">Held, and by what</th></tr></thead>
<tbody>${sorted.slice(0, shownRuns).map(row)}</tbody></table></div>
${sorted.length > shownRuns ? html`<p class="lead">${plural(sorted.length - shownRuns, 'more run')}. All of them: <code>estop policy test --in-force</code>.</p>` : nothing}`;
}

const tones = { allow: 'good', ask: 'warn', deny: 'bad' } as const;

function row({ run, decisions, reasons }: Item): Markup {
  const held = decisions.flatMap((decision, index) =>
    decision === 'allow' ? [] : [{ decision, call: index + 1, why: reasons[index] ?? '' }],
  );
  return html`<tr><th scope="row" data-of="Run">${foreign(run, 120)}</th><td data-of="Calls">${decisions.length}</td>
<td data-of="Held">${held.length === 0 ? 'nothing' : html`<ul class="stack">${held.slice(0, shownReasons).map(({ decision, call, why }) => html`<li><span class="chip ${tones[decision]}">${decision}, call ${call}</span> ${foreign(why, 400)}</li>`)}${held.length > shownReasons ? html`<li class="dim">and ${plural(held.length - shownReasons, 'more call')}</li>` : nothing}</ul>`}</td></tr>`;
}
