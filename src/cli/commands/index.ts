import type { CommandEntry } from '../command.ts';
import { devCommand } from '../dev-command.ts';

/** One line per command. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'dev',
    summary: 'Run the whole system on this machine',
    load: async () => devCommand((await import('./dev.ts')).runDev),
  },
  {
    name: 'console',
    summary: 'A link that opens the console, signed in',
    load: async () => (await import('./console.ts')).consoleCommand,
  },
  {
    name: 'login',
    summary: 'Sign this terminal in with the identity provider',
    load: async () => (await import('./login.ts')).login,
  },
  {
    name: 'logout',
    summary: 'End the sign-in of this terminal',
    load: async () => (await import('./logout.ts')).logout,
  },
  {
    name: 'whoami',
    summary: 'Who you are here, and what you may do',
    load: async () => (await import('./whoami.ts')).whoami,
  },
  {
    name: 'token',
    summary: 'Make, list and revoke API tokens for your programs',
    load: async () => (await import('./token.ts')).token,
  },
  {
    name: 'elevate',
    summary: 'Break glass: take a role for a while; grant, end and review',
    load: async () => (await import('./elevate.ts')).elevate,
  },
  {
    name: 'people',
    summary: 'Who signs in here, and where; let somebody in no more',
    load: async () => (await import('./people.ts')).people,
  },
  {
    name: 'stop',
    summary: 'Stop a task, an agent, a label, a tool, a connector or the fleet; show stops',
    load: async () => (await import('./stop.ts')).stop,
  },
  {
    name: 'task',
    summary: 'Start, list, show, hold and release tasks; open and close sessions',
    load: async () => (await import('./task.ts')).task,
  },
  {
    name: 'connect',
    summary: 'Print the configuration that puts an agent of your own behind the gateway',
    load: async () => (await import('./connect.ts')).connect,
  },
  {
    name: 'approvals',
    summary: 'List the calls that wait for a human',
    load: async () => (await import('./approvals.ts')).approvals,
  },
  {
    name: 'approve',
    summary: 'Let exactly one call go ahead',
    load: async () => (await import('./approve.ts')).approve,
  },
  { name: 'deny', summary: 'Refuse one call', load: async () => (await import('./deny.ts')).deny },
  {
    name: 'reset',
    summary: 'Unlatch one stop; restarts nothing',
    load: async () => (await import('./reset.ts')).reset,
  },
  {
    name: 'accept-risk',
    summary: 'Close an obligation that cannot be made dead, in your name',
    load: async () => (await import('./accept-risk.ts')).acceptRisk,
  },
  {
    name: 'budget',
    summary: 'Show what an agent may spend and has spent',
    load: async () => (await import('./budget.ts')).budget,
  },
  {
    name: 'breaker',
    summary: 'List breakers that tripped, and reset one',
    load: async () => (await import('./breaker.ts')).breaker,
  },
  {
    name: 'tool',
    summary: 'List upstream tools, review their tiers, see and accept what changed in them',
    load: async () => (await import('./tool.ts')).tool,
  },
  { name: 'agents', summary: 'List the registered agents', load: async () => (await import('./agents.ts')).agents },
  {
    name: 'now',
    summary: 'What runs, those first that a person should look at',
    load: async () => (await import('./now.ts')).now,
  },
  {
    name: 'connectors',
    summary: 'Whether each system could be cut off now',
    load: async () => (await import('./connectors.ts')).connectors,
  },
  {
    name: 'connector',
    summary: 'List and show connectors, and try one with a credential of its own',
    load: async () => (await import('./connector.ts')).connector,
  },
  {
    name: 'audit',
    summary: 'Who did what, refused attempts among it',
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'note',
    summary: 'Say something about a stop afterwards, for example its reason',
    load: async () => (await import('./note.ts')).note,
  },
  {
    name: 'events',
    summary: 'Follow what happens, as it happens',
    load: async () => (await import('./events.ts')).events,
  },
  {
    name: 'playbook',
    summary: 'Show and try what was agreed about stops, and let a phase go on that waits',
    load: async () => (await import('./playbook.ts')).playbook,
  },
  {
    name: 'notify',
    summary: 'Show what people were told, acknowledge it, send a test',
    load: async () => (await import('./notify.ts')).notify,
  },
  {
    name: 'config',
    summary: 'Check estop.yaml, or say what it would change in what runs',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'policy',
    summary: 'Try, check, show, activate and roll back policies',
    load: async () => (await import('./policy.ts')).policy,
  },
  {
    name: 'secret',
    summary: 'Set, list, rotate and remove the credentials of upstreams',
    load: async () => (await import('./secret.ts')).secret,
  },
  {
    name: 'doctor',
    summary: 'Say what is reached, what runs, what is weak, and whether a stop would work now',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'completion',
    summary: 'Print what makes bash, zsh or fish complete estop',
    load: async () => (await import('./completion.ts')).completion,
  },
  {
    name: 'keys',
    summary: 'Rotate signing and sealing keys while tasks run',
    load: async () => (await import('./keys.ts')).keys,
  },
];
