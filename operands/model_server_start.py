"""The program that starts the model server: it tolerates what upstream's own start does not.

Upstream's server ends if the host of an archive cannot be reached, loads no models at all if one archive is missing,
and serves the models of whichever directory `os.listdir` happens to return last (kepler-model-server v0.7.12:
src/kepler_model/server/model_server.py, load_init_pipeline and set_pipelines). `PROGRAM` runs the same functions, once
for each archive and once for each directory, logs what fails, and goes on with what it has.

Directories are loaded in this order; if several have models for one meter, the last one serves them:

1. archives of Kepler's public database, which the server fetches if `pipelines` is blank;
2. other directories in the storage, by name;
3. archives that `pipelines` names, in the order in which the user wrote them.
"""

# Seconds that the host of an archive has to accept a connection, and to go on sending. 32 archives on hosts that do not
# answer take less than the ten minutes that the server has to start.
CONNECT, READ = 10, 60

# The image's entrypoint is `bash -c`, which takes a second argument as $0. The Python that has the server's packages is
# the one that the script `model-server` names in its first line. Kubernetes expands `$(NAME)` only for variables of the
# container, and leaves these two as they are.
SHELL = 'python=$(sed -n "1s/^#!//p" "$(command -v model-server)") && exec ${python:-python3} -u -c "$0"'

PROGRAM = f"""
import functools, logging, os

from kepler_model.server import model_server as server

log = logging.getLogger("start")
load, set_pipelines, listdir = server.load_init_pipeline, server.set_pipelines, os.listdir
urls = list(server.initial_pipeline_urls)
fetched = [os.path.basename(url).split(".zip")[0] for url in urls]
named = bool(server.getConfig("INITIAL_PIPELINE_URL", ""))


def place(name):
    if name not in fetched:
        return 1, 0, name
    return (2 if named else 0), fetched.index(name), name


def load_each():
    for url in urls:
        server.initial_pipeline_urls = [url]
        server.set_pipelines = lambda: None
        try:
            load()
        except Exception as problem:
            log.error("cannot fetch %s: %s", url, problem)
    server.initial_pipeline_urls, server.set_pipelines = [], set_each
    load()
    log.info("models for meters: %s", server.pipelineName or "none")


def set_each():
    for name in sorted(listdir(server.model_toppath), key=place):
        os.listdir = lambda path=".": [name] if path == server.model_toppath else listdir(path)
        try:
            set_pipelines()
        except Exception as problem:
            log.error("cannot load the models in %s: %s", name, problem)
        finally:
            os.listdir = listdir


server.requests.get = functools.partial(server.requests.get, timeout=({CONNECT}, {READ}))
server.load_init_pipeline = load_each
server.run()
"""


def arguments() -> list[str]:
    """Return the arguments of the server's container."""
    return [SHELL, PROGRAM]
