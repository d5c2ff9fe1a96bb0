"""`ortholens api`: the service, and tokens for it."""

from __future__ import annotations

from typing import Annotated

import typer

from models.commands.serve import LOCAL, AllowHost, list_hosts, list_public_hosts
from models.settings import settings
from models.words import DISCLAIMER

app = typer.Typer(help="Answer over HTTP what the command line answers.", invoke_without_command=True)
Port = Annotated[int, typer.Option(min=1, max=65535)]
Address = Annotated[str, typer.Option(help="Interface to listen on; another than this machine's own needs tokens.")]
Name = Annotated[str, typer.Argument(help="Whose token it is; stands in the audit log.")]
RoleName = Annotated[str, typer.Option("--role", help="reader, author or admin.")]


@app.callback()
def api(
    context: typer.Context, port: Port = 8600, address: Address = "127.0.0.1", allow_host: AllowHost = None
) -> None:
    """Start the service; Ctrl-C stops it."""
    if context.invoked_subcommand:
        return
    limits = settings()
    if limits.api_tokens is None and (limits.oidc_url or address not in LOCAL):
        raise typer.BadParameter(
            "beside a login, and for others than this machine, callers need tokens; write some with "
            "`ortholens api token NAME` into a file, and name it in ORTHOLENS_API_TOKENS"
        )
    import uvicorn

    from models.service.app import create_app

    named = list_hosts(address, [*(allow_host or ()), *list_public_hosts(limits)])
    hosts = [f"[{host}]" if ":" in host else host for host in named]
    served = create_app(limits, hosts)
    typer.echo(f"The API is at http://{address}:{port} (Ctrl-C stops it). {DISCLAIMER}", err=True)
    uvicorn.run(served, host=address, port=port, access_log=False, log_level="warning", server_header=False)


@app.command()
def token(name: Name, role: RoleName = "reader") -> None:
    """Make a token: it is shown once, and the line for the file of tokens after it."""
    from models.service.callers import Role, make_token

    if role not in {one.value for one in Role}:
        raise typer.BadParameter(f"there is no role {role}; choose reader, author or admin")
    made, line = make_token(name, Role(role))
    typer.echo(f"{made}", err=True)
    typer.echo(line)
