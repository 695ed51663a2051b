# Sirocco in a container: the same set-up as on a machine, as an ordinary user.
#
#   docker build -t sirocco .
#   docker run -d --name sirocco -v sirocco-data:/home/sirocco/.sirocco sirocco
#   docker exec -it sirocco ./sirocco sql
#   docker exec -it sirocco ./sirocco quickstart
#
# The server listens on the container's loopback only. To publish it, add `bind_address = 0.0.0.0` to
# ~/.sirocco/systems/main/my.cnf, create an account for the clients, and run with -p 3306:3306.
# Building takes about 15 minutes on 2 cores and needs about 8 GB of disk.
FROM debian:12
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates cmake debian-archive-keyring g++ ninja-build \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home sirocco
USER sirocco
WORKDIR /home/sirocco/source
COPY --chown=sirocco:sirocco . .
# The downloaded packages are of no more use once unpacked.
RUN ./sirocco build && rm -rf ~/.cache/sirocco/apt
VOLUME /home/sirocco/.sirocco
EXPOSE 3306
STOPSIGNAL SIGTERM
CMD ["scripts/container.sh"]
