import { describe, expect, it } from 'vitest';
import { isLoopbackRedirect, isProgramRedirect, isRegistered } from '../../src/control/agent-clients/redirects.ts';

describe('where an answer to a client may go', () => {
  it.each(['cursor://anysphere.cursor-mcp/oauth/callback', 'vscode://vscode.auth/done', 'com.example.app:/cb?a=b'])(
    'to a program with a scheme of its own: %s',
    (uri) => expect(isProgramRedirect(uri)).toBe(true),
  );

  it.each([
    'javascript://%0aalert(1)',
    'JavaScript://x/',
    'java\tscript://x/',
    'data:text/html,x',
    'data:/text',
    'vbscript:/x',
    'file:///etc/passwd',
    'blob:/x',
    'about:/blank',
    'view-source:/x',
    'http://evil.example/cb',
    'https://evil.example/cb',
    'ws://evil.example/cb',
    'ftp://evil.example/cb',
    'intent://evil#Intent;end',
    'mailto:/x@evil.example',
    'web+evil://x/',
    'ms-msdt:/id',
    'search-ms:/x',
    'chrome-extension://abc/x',
    'smb://evil.example/share',
    // Calendars, players and readers ask the server that stands there.
    'webcals://evil.example/cb',
    'feed://evil.example/cb',
    'rtsp://evil.example/cb',
    'caldav://evil.example/cb',
    'itpc://evil.example/cb',
    'ipp://evil.example/cb',
    'gemini://evil.example/cb',
    'telnets://evil.example/cb',
    'c:/windows',
    'cursor:callback',
    'cursor://a/b#c',
    'cursor://a/b#',
    'cursor://user@a/b',
    'cursor://a/b c',
    'cursor://a/b\n',
    'cursor://a/"onclick=',
    ' cursor://a/b',
    'cursor://a/ü',
    'Cursor://a/b',
    `cursor://a/${'b'.repeat(300)}x`,
  ])('and not to %s', (uri) => {
    const client = { clientId: 'c', name: 'c', redirects: [uri] };
    // Also if it got into a registration in some way.
    expect([isProgramRedirect(uri) && uri.length <= 300, isLoopbackRedirect(uri)]).toEqual([false, false]);
    if (uri.length <= 300) expect(isRegistered(client, uri)).toBe(false);
  });

  it('to the letter as it was registered', () => {
    const client = { clientId: 'c', name: 'c', redirects: ['cursor://a/cb', 'http://127.0.0.1:1/cb'] };
    for (const shown of ['cursor://a/cb/', 'cursor://a/cb?x=y', 'cursor://a:80/cb', 'cursor://b/cb', 'cursors://a/cb'])
      expect(isRegistered(client, shown), shown).toBe(false);
    expect(['cursor://a/cb', 'http://127.0.0.1:9/cb'].map((shown) => isRegistered(client, shown))).toEqual([
      true,
      true,
    ]);
  });
});
