import type { AgentView } from '../../contract/http/agent-view.ts';
import type { Agent } from '../../contract/http/agents.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne, printPage } from '../print.ts';
import { renderFields, renderTable } from '../table.ts';

export const agents: CliCommand = {
  build: (command, run) => {
    command
      .argument('[agent]', 'this one, and all that it can reach')
      .addHelpText('after', examples('agents', 'agents billing-bot', 'agents --watch'))
      .action(run((context, id: string | undefined) => (id === undefined ? list(context) : show(context, id))));
  },
};

async function list({ terminal, estop }: CliContext): Promise<ExitCode> {
  const page = await estop.agents.list();
  printPage(terminal, page, (items) =>
    renderTable<Agent>(
      [
        { title: 'agent', cell: (row) => row.agentId },
        { title: 'owner', cell: (row) => row.owner },
        { title: 'stop-holder', cell: (row) => row.stopHolder },
        { title: 'open tasks', cell: (row) => String(row.openTasks) },
        {
          title: 'shares',
          cell: (row) => row.sharedCredentials.map((one) => `${one.at} with ${one.with.join(',')}`).join('; ') || '-',
        },
        { title: 'stopped by', cell: (row) => row.stoppedBy ?? '-' },
        { title: 'labels', cell: labelsOf },
      ],
      items,
    ),
  );
  if (page.items.length === 0) terminal.say('None is configured: name one in estop.yaml, under agents.');
  return exitCodes.confirmed;
}

const labelsOf = ({ labels }: Agent): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

async function show({ terminal, estop }: CliContext, agentId: string): Promise<ExitCode> {
  const found = await estop.overview.agent(agentId);
  printOne(terminal, found, () => [...agentLines(found), '', ...reachLines(found)]);
  return exitCodes.confirmed;
}

function agentLines(agent: AgentView): readonly string[] {
  const limits = Object.entries(agent.limits).map(([name, most]) => `${name} ${most}`);
  return renderFields([
    ['agent', agent.agentId],
    ['owner', agent.owner],
    ['stop-holder', agent.stopHolder],
    ['labels', labelsOf(agent)],
    ['open tasks', String(agent.openTasks)],
    ...(agent.stoppedBy === null ? [] : [['stopped by', agent.stoppedBy] as const]),
    ...(agent.configured ? [] : [['configured', 'no: not in estop.yaml any more'] as const]),
    ['models', agent.models.join(', ') || 'none'],
    ['may start', agent.mayStart.join(', ') || 'no other agent'],
    ['which may', agent.delegation === 'own' ? 'all that their own agents may' : 'no more than this agent'],
    ['credentials', agent.grants.map(({ name, connector }) => `${name} at ${connector}`).join(', ') || 'none'],
    ['limits', limits.join(', ') || 'none'],
    ['breakers', agent.breakers.map(({ breaker, action }) => `${breaker}: ${action}`).join(', ') || 'none'],
  ]);
}

type Reached = AgentView['reach'][number];

/** What it can reach, by the configuration in force. Policy and people still stand in between. */
const reachLines = ({ reach }: AgentView): readonly string[] =>
  reach.length === 0
    ? ['It reaches nothing.']
    : renderTable<Reached>(
        [
          { title: 'reaches', cell: ({ kind, name }) => `${kind} ${name}` },
          { title: 'tier', cell: ({ tier }) => tier ?? '-' },
          { title: 'decided by', cell: ({ decides }) => decides },
          { title: 'across', cell: ({ across }) => across },
          { title: 'through', cell: ({ by, isEscalation }) => `${by.join(' > ')}${isEscalation ? ' (only so)' : ''}` },
        ],
        reach,
      );
