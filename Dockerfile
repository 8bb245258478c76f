# One image for every process of estop; docker-compose.yml says which one a container runs.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here: the base image brings Node itself.
RUN npm ci --ignore-scripts
COPY tsconfig.base.json tsconfig.json ./
COPY types types
COPY src src
COPY deploy deploy
RUN npx tsc -b src/cli src/stop src/control src/gateway src/workers src/workflows deploy

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:24-slim
# Fewer arenas of glibc: the many threads of a worker would hold more memory than they use.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json package-lock.json ./
COPY bin bin
COPY src/store/migrations src/store/migrations
COPY src/control/console/assets src/control/console/assets
COPY policies policies
# A worker that starts is needed at once: what it would bundle then is bundled now.
RUN node dist/deploy/bundle-workflows.js
# A new volume that is mounted here takes this mode: whoever the composition runs as makes a folder of its own in it.
RUN mkdir -m 1777 /var/lib/estop
USER node
CMD ["node", "bin/estop.js", "--help"]
