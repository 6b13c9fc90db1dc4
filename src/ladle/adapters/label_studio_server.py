"""A Label Studio server through its SDK: requests, and what can go wrong with them, and no decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ladle.adapters.label_studio import Annotation, annotation_of
from ladle.adapters.label_studio_exchange import TaskState
from ladle.errors import MissingExtraError, ServerError

_PAGE = 100
_SECONDS = 60.0
# The SDK repeats a request that broke off. The server may have done it all the same, and would do it twice.
_ONCE = {"max_retries": 0}
_REFUSED = (401, 403)
_GONE = 404


class SdkServer:
    """The server at an address, for the user whose key this is.

    Args:
        url: where it is, such as ``http://localhost:8080``.
        api_key: a personal access token, or a legacy token where the organization allows them.

    Raises:
        MissingExtraError: label-studio-sdk is not installed.
        ServerError: a key that has expired.
    """

    def __init__(self, url: str, api_key: str) -> None:
        try:
            import httpx
            from label_studio_sdk import LabelStudio
        except ModuleNotFoundError as error:
            raise MissingExtraError.needs("Label Studio", "label-studio") from error
        self._url = url.rstrip("/")
        self._connection = httpx.Client(timeout=_SECONDS, follow_redirects=True)
        with self._told():
            self._client = LabelStudio(base_url=self._url, api_key=api_key, httpx_client=self._connection)

    def __enter__(self) -> SdkServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def find_project(self, key: str) -> tuple[int, str] | None:
        """Return number and labeling config of the project with the key in its description; None if there is none."""
        with self._told():
            for project in self._client.projects.list(page_size=_PAGE, include="id,description,label_config"):
                if key in (project.description or ""):
                    return int(project.id), str(project.label_config)
        return None

    def create_project(self, title: str, description: str, config: str) -> int:
        """Make a project and return its number."""
        with self._told():
            made = self._client.projects.create(
                title=title, description=description, label_config=config, show_skip_button=True, request_options=_ONCE
            )
            return int(made.id)

    def set_config(self, project: int, config: str) -> None:
        """Replace the labeling config."""
        with self._told(project):
            self._client.projects.update(id=project, label_config=config)

    def tasks(self, project: int) -> list[TaskState]:
        """Return all tasks of a project."""
        fields = "id,meta,updated_at,total_annotations,cancelled_annotations"
        with self._told(project):
            return [
                TaskState(
                    id=int(task.id),
                    meta=task.meta,
                    annotations=(task.total_annotations or 0) + (task.cancelled_annotations or 0),
                    changed=f"{task.updated_at} {task.total_annotations} {task.cancelled_annotations}",
                )
                for task in self._client.tasks.list(project=project, page_size=_PAGE, include=fields)
            ]

    def annotations(self, task: int) -> list[Annotation]:
        """Return what people submitted for a task."""
        with self._told():
            # The endpoint for annotations leaves out those that skip; the one for the task has them.
            found = self._client.tasks.get(id=str(task)).annotations or []
            return [annotation_of(one if isinstance(one, dict) else one.dict()) for one in found]

    def push(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Add tasks, all or none, at most once."""
        with self._told(project):
            self._client.projects.import_tasks(id=project, request=list(tasks), request_options=_ONCE)

    @contextmanager
    def _told(self, project: int | None = None) -> Iterator[None]:
        """Say in one line what went wrong."""
        import httpx
        from label_studio_sdk.core import ApiError

        try:
            yield
        except ApiError as error:
            said = error.body.get("detail", "") if isinstance(error.body, dict) else ""
            got = f"{error.status_code or 'no answer'} {said}".strip()
            if error.status_code in _REFUSED:
                raise self._refused(got) from error
            if error.status_code == _GONE and project is not None:
                raise ServerError(
                    f"a project stays on its server while it is labeled (got no project {project} at {self._url}); the "
                    "labels so far are kept: start again to make a new one"
                ) from error
            raise ServerError(
                f"an address with Label Studio behind it answers (got {got} from {self._url}); correct --url, or look "
                "at the server's log"
            ) from error
        except UnicodeEncodeError as error:
            raise self._refused("a key with letters that none has") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerError(
                f"Label Studio has to be in reach (got {self._url}: {str(error) or type(error).__name__}); start it, "
                "or correct --url"
            ) from error

    def _refused(self, got: str) -> ServerError:
        return ServerError(
            f"Label Studio wants the API key of a user who may do this (got {got} from {self._url}); copy one from "
            "Account & Settings into --api-key or LABEL_STUDIO_API_KEY"
        )
