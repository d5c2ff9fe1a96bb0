# OrthoLens on a CPU: `docker build -t ortholens . && docker run --rm -p 8501:8501 ortholens`.
# It has no login: whoever reaches the port sees the dashboard. Put one before it on a network.
FROM python:3.12-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=2
RUN pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu

COPY . /source
RUN pip install /source && rm -r /source

RUN useradd --create-home reader
USER reader
WORKDIR /home/reader
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://localhost:8501/_stcore/health', timeout=4)"]
CMD ["ortholens", "serve", "--headless", "--address", "0.0.0.0", "--port", "8501"]
