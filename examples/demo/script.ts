import type { Script } from './scripted-model.ts';

/** What the scripted models play: an ordinary morning of a billing agent and its helper, which goes on until something ends it. */
export const scripts: Readonly<Record<string, Script>> = {
  billing: [
    { say: 'I look at the invoices first.', call: [{ tool: 'billing__list_invoices', arguments: {} }] },
    { say: 'One is overdue.', call: [{ tool: 'billing__get_invoice', arguments: { invoice_id: 'INV-1002' } }] },
    {
      say: 'A helper writes the reminders.',
      call: [
        {
          tool: 'estop__start_task',
          arguments: { agentId: 'reminder-bot', prompt: 'Remind the customer of INV-1002.' },
        },
      ],
    },
    { say: 'Still at it.', call: [{ tool: 'billing__list_invoices', arguments: {} }], delayMs: 300 },
  ],
  reminder: [
    { say: 'I send the reminder.', call: [{ tool: 'billing__send_reminder', arguments: { invoice_id: 'INV-1002' } }] },
    // Waits for a person: nothing that the child does itself would end it soon, a stop has to.
    {
      say: 'This one was paid twice.',
      call: [{ tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1002', cents: 100 } }],
    },
    { hang: true },
  ],
};
