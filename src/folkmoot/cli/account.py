"""`folkmoot account`: making accounts and changing what they may do."""

from typing import Annotated

import typer

from folkmoot.auth.passwords import check_password
from folkmoot.cli.exits import Config, Data, Database, plainly, settings_of
from folkmoot.core.accounts.model import Account, AccountName, Role
from folkmoot.core.work import UnitOfWork
from folkmoot.server.running import visit
from folkmoot.server.wiring import Premises

app = typer.Typer(help="Make accounts, and change what they may do.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The account's username.")]
Password = Annotated[
    str,
    typer.Option(
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        envvar="FOLKMOOT_ACCOUNT_PASSWORD",
        help="The password; asked for if not given.",
    ),
]


@app.command()
def create(
    username: Username,
    email: Annotated[str, typer.Option(help="The account's e-mail address.")],
    password: Password,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.USER,
    full_name: Annotated[str, typer.Option(help="The name that others see.")] = "",
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Make an account."""

    async def errand(premises: Premises) -> Account:
        accounts = premises.house.accounts
        accounts.draft(username=username, email=email, full_name=full_name)
        check_password(password, field="password", names=(username, email))
        draft = accounts.draft(
            username=username,
            email=email,
            full_name=full_name,
            role=role,
            password_hash=await premises.passwords.hashed(password),
        )
        return await premises.house.writer.write(lambda work: work.accounts.add(draft))

    with plainly():
        account = visit(settings_of(config, data=data, database=database), errand)
        typer.echo(f"Made account {account.username} (number {account.id}, {account.role}).")


@app.command()
def role(
    username: Username,
    new_role: Annotated[Role, typer.Argument(help="What it may do from now on.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Give an account another role; its logins end."""

    async def errand(premises: Premises) -> Account:
        accounts = premises.house.accounts

        async def job(work: UnitOfWork) -> Account:
            found = (await accounts.find(work, [AccountName(username)]))[0]
            return await accounts.set_role(work, found.id, new_role)

        return await premises.house.writer.write(job)

    with plainly():
        account = visit(settings_of(config, data=data, database=database), errand)
        typer.echo(f"{account.username} is {account.role} now.")


@app.command()
def deactivate(
    username: Username, data: Data = None, database: Database = None, config: Config = None
) -> None:
    """Switch an account off; its logins end."""

    async def errand(premises: Premises) -> Account:
        accounts = premises.house.accounts

        async def job(work: UnitOfWork) -> Account:
            found = (await accounts.find(work, [AccountName(username)]))[0]
            return await accounts.deactivate(work, found.id)

        return await premises.house.writer.write(job)

    with plainly():
        account = visit(settings_of(config, data=data, database=database), errand)
        typer.echo(f"{account.username} is deactivated.")


@app.command()
def password(
    username: Username,
    password: Password,
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Give an account another password; its logins end."""

    async def errand(premises: Premises) -> None:
        check_password(password, field="password", names=(username,))
        hashed = await premises.passwords.hashed(password)
        accounts = premises.house.accounts

        async def job(work: UnitOfWork) -> None:
            found = (await accounts.find(work, [AccountName(username)]))[0]
            await accounts.set_password(work, found.id, hashed)

        await premises.house.writer.write(job)

    with plainly():
        visit(settings_of(config, data=data, database=database), errand)
        typer.echo(f"{username} has another password.")
