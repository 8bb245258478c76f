import { html } from 'hono/html';
import { assetPaths } from '../console/assets.ts';

type Markup = ReturnType<typeof html>;

/** A page for somebody who is not signed in: nothing of the installation, and nothing that needs a script. */
export function plainPage(title: string, body: Markup): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · estop</title>
        <link rel="stylesheet" href="${assetPaths.firstSheet}" />
        <link rel="stylesheet" href="${assetPaths.stylesheet}" />
        <link rel="icon" href="${assetPaths.icon}" type="image/svg+xml" />
      </head>
      <body class="plain">
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
}
