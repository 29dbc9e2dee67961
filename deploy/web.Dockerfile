# The page: static files behind an unprivileged nginx.
# Built from the repository's root: docker build --file deploy/web.Dockerfile --tag gavel-web .
ARG NODE_IMAGE=node:24-slim
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.30-alpine

FROM ${NODE_IMAGE} AS build
WORKDIR /source
COPY web .
RUN npm ci --include=dev --no-audit --no-fund && npm run build
COPY deploy/web /served/configuration
# What comes from the checkout has the mode that the clone's umask gave it, and nginx runs as another user.
RUN mv dist /served/page && chmod -R a+rX /served

FROM ${NGINX_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gavel web" \
      org.opencontainers.image.description="Gavel's page" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /served/configuration/nginx.conf /etc/nginx/nginx.conf
COPY --from=build /served/configuration/installation /etc/gavel
COPY --from=build /served/page /usr/share/nginx/html
USER 101:101
EXPOSE 8080
# Straight to nginx: the image's own start script edits the configuration, and the file system is read-only.
ENTRYPOINT ["nginx", "-g", "daemon off;"]
