"""Reading and writing the database from coroutines.

SQLAlchemy's synchronous engine runs in worker threads: a pool of them reads, one writes. What many
coroutines ask to be written while the writer is busy is written next in one database transaction (group
commit), so a thousand small writes cost a few flushes of the disk, and each caller still returns only when
its own is durable. One writer is enough for PostgreSQL too: it saves each service from locking against its
neighbours, and gateways on other machines are held apart by serialisable transactions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine

from gateway.store import engine as engines
from gateway.store.errors import StoreError, is_conflict, store_error
from gateway.store.migration import migrate

_Result = TypeVar("_Result")
_Row = TypeVar("_Row")

READERS = 4
_ATTEMPTS = 8
_FIRST_PAUSE = 0.005


class _Job:
    """One piece of work on the writer's connection, with the future of whoever waits for it."""

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[Connection], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future

    def prepare(self) -> None:
        """Called in the event loop just before the writer takes the job."""

    def run(self, connection: Connection) -> Any:
        return self.work(connection)

    def parts(self) -> list[_Job]:
        """The jobs to try one by one where a transaction with this one in it failed."""
        return [self]

    def finish(self, result: Any, error: BaseException | None) -> None:
        """Called in the event loop when the outcome is known."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Outcome:
    """What became of one job."""

    __slots__ = ("error", "job", "result")

    def __init__(self, job: _Job, result: Any = None, error: BaseException | None = None) -> None:
        self.job = job
        self.result = result
        self.error = error


class Database:
    """The gateway's database; belongs to the event loop in which it was opened."""

    def __init__(self, url: str, readers: int = READERS) -> None:
        """Use `open` instead, which also migrates."""
        self.where = engines.describe(url)
        self._writer: Engine = engines.writer(url)
        self._reader: Engine = engines.reader(url, readers)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._read_threads = ThreadPoolExecutor(readers, thread_name_prefix="store-reader")
        self._queue: list[_Job] = []
        self._writing = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._reads = 0
        self._changed = asyncio.Event()

    @classmethod
    async def open(cls, url: str, readers: int = READERS) -> Database:
        """Open the database at `url` (`sqlite:///FILE` or `postgresql://USER@HOST/NAME`), making its
        tables or bringing them to this version.

        Raises `StoreError` with a sentence that says what to do, ValueError for a URL of another kind."""
        database = cls(url, readers)
        try:
            await asyncio.get_running_loop().run_in_executor(database._write_thread, database._migrate)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def pending(self) -> int:
        """How many reads and groups of writes are under way or waiting."""
        return self._reads + len(self._queue) + self._writing

    async def change(self) -> None:
        """Wait until a read or a group of writes is done."""
        await self._changed.wait()

    async def read(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run `work` in a reader's thread, on one consistent snapshot; it cannot write.

        Raises what `work` raises, and `StoreError`."""
        self._refuse_if_closed()
        self._reads += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._read, work)
        finally:
            self._reads -= 1
            self._announce()

    async def write(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run `work` in the writer's thread, in a transaction that is durable when this returns.

        `work` sees what earlier writes left, and is alone: nobody else writes between what it reads and
        what it writes. It may be run more than once (when a neighbour in its group failed, or another
        gateway was faster), so it does nothing but use the connection, and does not commit. If it raises,
        nothing of it is written, and this raises the same; a database that fails raises `StoreError`.
        Cancelling the caller does not stop a write that has begun."""
        self._refuse_if_closed()
        job = _Job(work, asyncio.get_running_loop().create_future())
        self.enqueue(job)
        result: _Result = await job.future
        return result

    def gather(self, work: Callable[[Connection, Sequence[_Row]], object]) -> Gather[_Row]:
        """A place for many coroutines to put rows that `work` writes together; for hot paths."""
        return Gather(self, work)

    async def close(self) -> None:
        """Finish what has been asked for, then let go of the database."""
        self._closed = True
        await self._idle.wait()
        loop = asyncio.get_running_loop()
        # Waiting for the readers' threads in the event loop would block it.
        await loop.run_in_executor(None, self._read_threads.shutdown)
        await loop.run_in_executor(None, self._write_thread.shutdown)
        await loop.run_in_executor(None, self._dispose)

    def enqueue(self, job: _Job) -> None:
        """Let the writer take `job` with its next group."""
        self._queue.append(job)
        if not self._writing:
            self._writing = True
            self._idle.clear()
            # Whoever else is ready in this turn of the loop joins the group.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError(f"{self.where} is closed: the gateway is stopping")

    def _dispatch(self) -> None:
        jobs, self._queue = self._queue, []
        if not jobs:
            self._writing = False
            self._idle.set()
            return
        for job in jobs:
            job.prepare()
        done = asyncio.get_running_loop().run_in_executor(self._write_thread, self._commit, jobs)
        done.add_done_callback(self._finish)

    def _finish(self, done: asyncio.Future[list[_Outcome]]) -> None:
        for outcome in done.result():
            outcome.job.finish(outcome.result, outcome.error)
        self._dispatch()
        self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _read(self, work: Callable[[Connection], _Result]) -> _Result:
        try:
            with self._reader.connect() as connection:
                return work(connection)
        except Exception as error:
            raise store_error(error, self.where) or error from error

    def _migrate(self) -> None:
        try:
            with engines.migrating(self._writer) as connection:
                migrate(connection)
        except Exception as error:
            raise store_error(error, self.where) or error from error

    def _commit(self, jobs: list[_Job]) -> list[_Outcome]:
        """Write all of `jobs` in one transaction, or each in its own where that fails."""
        pause = _FIRST_PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._writer.begin() as connection:
                    results = [job.run(connection) for job in jobs]
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the work
                if is_conflict(error) and attempt < _ATTEMPTS:
                    time.sleep(pause)
                    pause *= 2
                    continue
                return self._rescue(jobs, error)
            return [_Outcome(job, result) for job, result in zip(jobs, results, strict=True)]
        raise AssertionError("every attempt returns or is the last")

    def _rescue(self, jobs: list[_Job], error: Exception) -> list[_Outcome]:
        known = store_error(error, self.where)
        parts = [part for job in jobs for part in job.parts()]
        if known is not None or len(parts) == 1:
            # A broken connection leaves open whether the commit happened: trying again could do it twice.
            return [_Outcome(job, error=known or error) for job in jobs]
        return [outcome for part in parts for outcome in self._commit([part])]

    def _dispose(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


class _GatherJob(_Job):
    """The rows of one gather that go into one group."""

    __slots__ = ("futures", "gather", "rows")

    def __init__(self, gather: Gather[Any], future: asyncio.Future[Any]) -> None:
        super().__init__(self._write, future)
        self.gather = gather
        self.rows: list[Any] = []
        self.futures: list[asyncio.Future[None]] = []

    def prepare(self) -> None:
        self.gather.seal()

    def parts(self) -> list[_Job]:
        if len(self.rows) == 1:
            return [self]
        return [self.gather.single(row, future) for row, future in zip(self.rows, self.futures, strict=True)]

    def finish(self, result: Any, error: BaseException | None) -> None:
        for future in self.futures:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _write(self, connection: Connection) -> None:
        self.gather.work(connection, self.rows)


class Gather(Generic[_Row]):
    """Rows from many coroutines, written by one call (one `executemany`) for each group.

    ::

        store = database.gather(lambda connection, rows: connection.execute(insert(table), rows))
        await store.put({"unit": 7, "register": 12})
    """

    def __init__(self, database: Database, work: Callable[[Connection, Sequence[_Row]], object]) -> None:
        """Use `Database.gather`."""
        self.work = work
        self._database = database
        self._job: _GatherJob | None = None

    async def put(self, row: _Row) -> None:
        """Return when `row` is durable. Raises what writing it alone raises, and `StoreError`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._job is None:
            self._job = _GatherJob(self, future)
            self._database.enqueue(self._job)
        self._job.rows.append(row)
        self._job.futures.append(future)
        await future

    def seal(self) -> None:
        """The writer takes the rows now: later ones wait for the next group."""
        self._job = None

    def single(self, row: _Row, future: asyncio.Future[None]) -> _Job:
        """The job that writes one row by itself."""
        job = _GatherJob(self, future)
        job.rows.append(row)
        job.futures.append(future)
        return job
