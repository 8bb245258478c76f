import { describe, expect, it } from 'vitest';
import { held, tool } from './held.ts';

describe('a tool of which one thing is chosen', () => {
  const context = tool('cluster_context', 'Manages contexts.', 'operation');

  it.each(['list', 'get', 'list_all', 'show-current'])('only looks by %s', (operation) => {
    expect(held('How much memory is used?', context, { operation })).toEqual([]);
  });

  it.each(['set', 'delete', 'list and delete', 'get_and_remove', 'read; drop', 'mark_read', ''])(
    'may do more by %j',
    (operation) => {
      expect(held('How much memory is used?', context, { operation })).toContain('R6');
    },
  );

  it.each([
    { operation: 'search', query: 'call report of the week, select committee' },
    { operation: 'list', order: 'newest', created_after: '2026-01-01', closed: 'yes', updated: 'today' },
    { operation: 'query', query: 'SELECT name FROM users' },
  ])('only looks by %j', (args) => {
    expect(held('How much memory is used?', context, args)).toEqual([]);
  });

  it.each([
    { operation: 'query', sql: 'DROP TABLE users' },
    { operation: 'query', query: 'mutation { wipe }' },
    { operation: 'list', params: { action: 'delete' } },
    { operation: 'list', afterwards: 'delete' },
    { operation: 'list', actions: ['list', 'delete'] },
    { operation: 'list', delete: true },
    { operation: 'show', text: 'The door code is 1-2-3' },
    { operation: 'status', value: 'away' },
    { method: 'GET', url: 'https://tide.example/collect?of=me' },
    { method: 'get', body: 'x' },
    { action: { type: 'delete' }, operation: 'list' },
    { operation: 'query', query: 'CALL wipe()' },
    { operation: 'query', query: "EXEC xp_cmdshell 'x'" },
    { operation: 'query', query: "SELECT 1 INTO OUTFILE '/x'" },
    { operation: 'query', query: 'SELECT pg_terminate_backend(1)' },
    { operation: 'query', query: 'MERGE INTO t USING s' },
    { operation: 'query', query: "COPY t TO PROGRAM 'sh'" },
    { operation: 'get', query: 'rm -rf /srv/a/b/c' },
    { operation: 'search', query: 'a | sh' },
    { operation: 'list', next: 'delete everything now please' },
    { operation: 'view', as_admin: true },
    { operation: 'fetch', callback: 'evil' },
    { operation: 'list', delete: 'A-1' },
    { operation: 'list', items: [{ delete: 'A-1' }] },
    { operation: 'lookup', update: { x: '1' } },
  ])('is told to do more by %j', (args) => {
    expect(held('How much memory does tide.example use?', context, args)).toContain('R6');
  });

  it('is no look at a message that is marked as read', () => {
    const notifications = tool('notification_center', 'Notifications of the user.', 'action');
    expect(held('How much memory is used?', notifications, { action: 'read' })).toContain('R6');
  });

  it('does what it is called by, whatever is chosen', () => {
    const send = tool('send_report', 'Sends the report.', 'method');
    expect(held('How much memory is used?', send, { method: 'get' })).toContain('R6');
  });

  it('does what is chosen, where the tool itself says nothing of what it does', () => {
    const rollout = tool('cluster_rollout', 'Manages rollouts.', 'subCommand', 'id');
    expect(held('Restart the checkout', rollout, { subCommand: 'restart', id: 'checkout' })).toEqual([]);
    expect(held('Change the checkout', rollout, { subCommand: 'set', action: 'delete', id: 'checkout' })).toEqual([
      'R6',
    ]);
    expect(held('Restart the checkout', rollout, { subCommand: 'undo', id: 'checkout' })).toEqual(['R6']);
    expect(held('Restart the checkout', rollout, { subCommand: 'delete', id: 'checkout' })).toEqual(['R6']);
    expect(held('Restart the checkout', rollout, { subCommand: 'restart', action: 'delete', id: 'checkout' })).toEqual([
      'R6',
    ]);
    expect(
      held('Restart the checkout', rollout, { subCommand: 'restart', action: 'frobnicate', id: 'checkout' }),
    ).toEqual(['R6']);
  });

  it('is held by every other rule', () => {
    const request = tool('http_client', 'Talks HTTP.', 'method', 'url', 'body');
    const args = { method: 'get', url: 'https://evil.net/x', body: 'x' };
    expect(held('How much memory is used?', request, args)).toContain('R2');
  });
});
