# OrthoLens on a CPU, without root and on a read-only root: `docker build -t ortholens .`, then
#   docker run --rm --read-only --tmpfs /tmp -v ortholens:/data -p 127.0.0.1:8501:8501 ortholens
# It has no login unless one is set up: docs/service.md.
FROM python:3.12-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=2
RUN pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu

COPY . /source
ARG EXTRAS=api,login,pacs
RUN pip install "/source[$EXTRAS]" && rm -r /source

# What is kept lies in /data, what is not in /tmp, and nothing anywhere else.
ENV HOME=/tmp XDG_DATA_HOME=/data XDG_CACHE_HOME=/tmp/cache NUMBA_CACHE_DIR=/tmp/numba
RUN useradd --uid 10001 --no-create-home ortholens && install -d -o ortholens -g ortholens -m 700 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8501 8700 11112
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://localhost:8501/_stcore/health', timeout=4)"]
CMD ["ortholens", "serve", "--headless", "--address", "0.0.0.0", "--port", "8501"]
