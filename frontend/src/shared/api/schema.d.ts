// Written by `npm run types` from services/api/openapi.json. Do not edit.
export interface paths {
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the detectors have found, newest first */
        get: operations["alerts_list_alerts_api_v1_alerts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{alert_id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that it was seen; it stays open until it passes. The first word stays, but a note may be added to. */
        post: operations["alerts_acknowledge_api_v1_alerts__alert_id__acknowledge_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/aliases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List aliases by project and name */
        get: operations["aliases_list_aliases_api_v1_aliases_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/aliases/{project}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the checkpoint that an alias names */
        get: operations["aliases_get_alias_api_v1_aliases__project___name__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/aliases/{project}/{name}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** To the download of the checkpoint that an alias names */
        get: operations["aliases_download_alias_api_v1_aliases__project___name__download_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who asked to change what, newest first (admin) */
        get: operations["audit_list_audit_api_v1_audit_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/monitor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who asked to change alerts and notification targets, newest first (admin) */
        get: operations["monitor_audit_list_audit_api_v1_audit_monitor_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the checkpoints of all runs, newest first */
        get: operations["checkpoints_list_checkpoints_api_v1_checkpoints_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete several checkpoints, or tell what that would do
         * @description <br/>Those that something needs are refused with the reasons; the others are deleted. What only the retention of a run that has ended<br/>keeps can be deleted.
         */
        post: operations["checkpoints_delete_checkpoints_api_v1_checkpoints_delete_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how much room the checkpoints take, and have left */
        get: operations["usage_show_usage_api_v1_checkpoints_usage_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints/{checkpoint_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a checkpoint */
        get: operations["checkpoints_get_checkpoint_api_v1_checkpoints__checkpoint_id__get"];
        put?: never;
        post?: never;
        /**
         * Delete a checkpoint that nothing needs
         * @description <br/>Its state is `deleting` until its objects are gone, a moment later.
         */
        delete: operations["checkpoints_delete_checkpoint_api_v1_checkpoints__checkpoint_id__delete"];
        options?: never;
        head?: never;
        /**
         * Pin a checkpoint, or give it aliases
         * @description <br/>A pinned or named checkpoint is never deleted. An alias names one checkpoint of a project; giving it to another moves it at once.
         */
        patch: operations["checkpoints_change_checkpoint_api_v1_checkpoints__checkpoint_id__patch"];
        trace?: never;
    };
    "/api/v1/checkpoints/{checkpoint_id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read every byte of a checkpoint back and compare
         * @description <br/>The answer tells `verified_at`, or `damage`. A checkpoint that was marked as damaged and whose bytes are all right is usable again.
         */
        post: operations["checkpoints_verify_checkpoint_api_v1_checkpoints__checkpoint_id__verify_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints/{id}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A checkpoint as one folder, in an uncompressed tar
         * @description <br/>Weights (safetensors), tokenizer.json, config.json, README.md (a model card) and SHA256SUMS; `include=all` adds everything else that<br/>training needs to go on. The bytes are compared with their hashes on the way: where one differs the stream breaks off before its end.
         */
        get: operations["checkpoint_files_download__id__download_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checkpoints/{id}/files/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** To the object itself, for a few hours. Check its SHA-256 after reading. */
        get: operations["checkpoint_files_read_file__id__files__name__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Datasets by name, each with its newest version. */
        get: operations["datasets_list_datasets_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{name}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Versions of a dataset, the newest first. */
        get: operations["datasets_list_versions__name__versions_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{name}/versions/{n}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One version of a dataset. */
        get: operations["datasets_show_version__name__versions__n__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{name}/versions/{n}/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The documents of a version, one per file, with the beginning of their text.
         * @description <br/>For showing: the text is not compared with its SHA-256 here, as it is before anything is trained on it.
         */
        get: operations["datasets_list_documents__name__versions__n__documents_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{name}/versions/{n}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The files of a version, in order. */
        get: operations["datasets_list_files__name__versions__n__files_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/emergency-stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show whether an emergency stop stands, and what is not known to be gone */
        get: operations["emergency_show_emergency_stop_api_v1_emergency_stop_get"];
        put?: never;
        /**
         * Kill every attempt at once and close the queue until it is reopened (admin)
         * @description <br/>Nothing is saved; checkpoints stay good. Runs become paused, to be resumed one by one; those that were stopping end as was wished. While<br/>one stands another changes nothing, but is told to the workers again.
         */
        post: operations["emergency_stop_everything_api_v1_emergency_stop_post"];
        /** Reopen the queue after an emergency stop (admin); the runs stay paused, a queue that is open stays so */
        delete: operations["emergency_end_emergency_stop_api_v1_emergency_stop_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/generate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Generate text from a checkpoint
         * @description <br/>With `stream` the answer is `text/event-stream`: events of kind `token`, `end` (of one prompt), `done`, and `error` where it broke off.
         */
        post: operations["generate_generate_api_v1_generate_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchange a login link's code for a session cookie */
        post: operations["login_login_login_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/login-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link that logs a browser in as who asks for it */
        post: operations["login_create_login_link_login_links_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End this browser's session */
        post: operations["login_logout_logout_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who am I? */
        get: operations["login_me_me_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where notifications go. For admins. */
        get: operations["notifications_list_targets_api_v1_notifications_get"];
        put?: never;
        /** Add one. Its address has to be on the public internet, unless GROUNDUP_WEBHOOK_ALLOW names its host. For admins. */
        post: operations["notifications_create_target_api_v1_notifications_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was sent, waits or was given up, newest first. For admins. */
        get: operations["notifications_list_deliveries_api_v1_notifications_deliveries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{target_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove one, with what waits for it. For admins. */
        delete: operations["notifications_delete_target_api_v1_notifications__target_id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications/{target_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test, behind what already waits; its delivery tells whether it arrived. For admins. */
        post: operations["notifications_test_target_api_v1_notifications__target_id__test_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{name}/share": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set a project's weight in the queue (admin)
         * @description <br/>Among runs of equal priority the one goes first whose project has the fewest busy slots for its weight.
         */
        put: operations["shares_put_share_api_v1_projects__name__share_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show who waits, in order and why, and whether the queue is paused */
        get: operations["queue_show_queue_api_v1_queue_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause the queue: nothing is placed until it is reopened (admin)
         * @description <br/>What runs goes on. Where it is paused already, the new reason counts.
         */
        post: operations["queue_pause_queue_api_v1_queue_pause_post"];
        /** Reopen the queue (admin); one that is open stays so */
        delete: operations["queue_reopen_queue_api_v1_queue_pause_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List runs, newest first */
        get: operations["runs_list_runs_api_v1_runs_get"];
        put?: never;
        /**
         * Submit a run
         * @description <br/>The spec is checked, completed with defaults and frozen; dataset and tokenizer are fixed to their present versions.
         */
        post: operations["runs_create_run_api_v1_runs_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check a run spec and estimate its cost, without submitting it */
        post: operations["runs_validate_run_api_v1_runs_validate_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a run */
        get: operations["runs_get_run_api_v1_runs__run_id__get"];
        put?: never;
        post?: never;
        /**
         * Delete a run that has ended, with its checkpoints; its history follows
         * @description <br/>409 `checkpoint-needed` with the reasons where one is pinned or has an alias, unless `force` is true.
         */
        delete: operations["runs_delete_run_api_v1_runs__run_id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/checkpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the checkpoints of a run, newest first */
        get: operations["checkpoints_list_checkpoints_of_run_api_v1_runs__run_id__checkpoints_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a run was asked to do, newest first */
        get: operations["commands_list_commands_api_v1_runs__run_id__commands_get"];
        put?: never;
        /**
         * Ask a run to change: pause, resume, stop, save, set hyperparameters, ...
         * @description <br/>409 `command-conflict` while another command stands in its way, `run-ended`, `wrong-state`, `no-checkpoint`; 422 names the field.
         */
        post: operations["commands_request_command_api_v1_runs__run_id__commands_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to a run: all events but steps and logs, which are read as metrics and logs. */
        get: operations["events_list_events_api_v1_runs__run_id__events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/fork": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a new run from a checkpoint of this one, with some settings changed
         * @description <br/>Weights, optimizer, random numbers and the place in the data go on; steps are counted on. The model's shape and the data stay.
         */
        post: operations["forks_fork_run_api_v1_runs__run_id__fork_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a run's processes wrote, in order of arrival, or those lines of it that are looked for.
         * @description <br/>To follow, ask again from `next_line`. The first error: `errors=true&limit=1`, from page to page until there is one.
         */
        get: operations["logs_list_log_lines_api_v1_runs__run_id__logs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The curves of a run, in at most `buckets` buckets each. A run without points has none. */
        get: operations["metrics_read_metrics_api_v1_runs__run_id__metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/metrics/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every point of a run as a file, made while it is sent
         * @description <br/>CSV, JSON lines and Parquet have a row per point: run_id, attempt, step, tokens, time (seconds since 1970), name, value. A value that is<br/>not finite is NaN, inf or -inf in CSV and a string ("NaN", "Infinity", "-Infinity") in JSON lines. Where retention has taken the single<br/>points there is one row for 16 of them, with their mean.
         */
        get: operations["export_export_metrics_api_v1_runs__run_id__metrics_export_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Do a run again from its beginning, with every change at the step at which it was applied
         * @description <br/>On a CPU, with as many processes, its losses are the same to the last bit.
         */
        post: operations["forks_replay_run_api_v1_runs__run_id__replay_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run_id}/samples": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Texts that the run's model wrote while it was trained. */
        get: operations["events_list_samples_api_v1_runs__run_id__samples_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenizers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tokenizers by name and version. `char` has a version for each dataset version it was used with. */
        get: operations["tokenizers_list_tokenizers_get"];
        put?: never;
        /** Train a byte-level BPE on a dataset version; it is ready some time later. */
        post: operations["tokenizers_create_tokenizer_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenizers/{name}/versions/{n}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One version of a tokenizer: how far its training is, how large its vocabulary came out. */
        get: operations["tokenizers_show_tokenizer__name__versions__n__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokenizers/{name}/versions/{n}/encode": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The token ids of a text. */
        post: operations["tokenizers_encode__name__versions__n__encode_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tokens (admin); the tokens themselves are not kept */
        get: operations["tokens_list_tokens_api_v1_tokens_get"];
        put?: never;
        /**
         * Create a token (admin)
         * @description <br/>The answer is not remembered for an `Idempotency-Key`, since the token must not be stored: a repeated name is refused instead.
         */
        post: operations["tokens_create_token_api_v1_tokens_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a token (admin); browsers that were logged in with it are logged out */
        delete: operations["tokens_delete_token_api_v1_tokens__token_id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin a dataset version. The answer tells which parts storage does not have yet. */
        post: operations["uploads_create_upload_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is still missing. Only for those who may write, as the answer lets them. */
        get: operations["uploads_show_upload__id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make the dataset version: 201, or 200 where the dataset's newest version already has this content. */
        post: operations["uploads_complete__id__complete_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/parts/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that a part was PUT: storage reads it back and checks its size, its hash and that it is UTF-8. */
        post: operations["uploads_verify_upload_part__id__parts__sha256__post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List workers by name, with their slots */
        get: operations["workers_list_workers_api_v1_workers_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{name}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain a worker, or offer it again (admin)
         * @description <br/>Nothing new is placed on a draining worker; what runs there goes on to its end. It stays so over restarts of the worker.
         */
        post: operations["workers_drain_worker_api_v1_workers__name__drain_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers/{name}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a worker's host did: processors, memory, disk, network and GPUs, second by second, in at most `buckets` buckets each.
         * @description <br/>A worker that nothing is known of, or was never sampled, has none.
         */
        get: operations["worker_metrics_read_worker_metrics_api_v1_workers__name__metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ws-tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A ticket for one WebSocket: connect to `/ws/v1?ticket=...` within 30 seconds. */
        post: operations["tickets_issue_ticket_api_v1_ws_tickets_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AcknowledgeBody */
        AcknowledgeBody: {
            /**
             * Note
             * @description what is known about it
             * @default
             */
            note: string;
        };
        /**
         * AlertActionAnswer
         * @description `state`: none where nothing but telling was asked for; pending, requested (see the command), or refused with the reason.
         */
        AlertActionAnswer: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "annotate" | "notify" | "pause" | "rollback";
            /**
             * State
             * @enum {string}
             */
            state: "none" | "pending" | "requested" | "refused";
            /** Command Id */
            command_id: string;
            /** Reason */
            reason: string;
        };
        /**
         * AlertActionTaken
         * @description What became of the pause or rollback that an alert asked for.
         */
        AlertActionTaken: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "AlertActionTaken";
            /** Alert Id */
            alert_id: string;
            /** Detector */
            detector: string;
            /**
             * Action
             * @enum {string}
             */
            action: "pause" | "rollback";
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "requested" | "refused";
            /**
             * Command Id
             * @default
             */
            command_id: string;
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /**
         * AlertAnswer
         * @description `value` and `threshold` are null where they are no finite number.
         */
        AlertAnswer: {
            /** Alert Id */
            alert_id: string;
            /** Run Id */
            run_id: string;
            /** Run Name */
            run_name: string;
            /** Attempt */
            attempt: number;
            /** Detector */
            detector: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Step */
            step: number;
            /** Metric */
            metric: string;
            /** Value */
            value: number | null;
            /** Threshold */
            threshold: number | null;
            /** Window */
            window: {
                [key: string]: number | null;
            };
            /** Message */
            message: string;
            /** Remedy */
            remedy: string;
            /** Fired At */
            fired_at: string;
            /** Cleared At */
            cleared_at: string | null;
            /** Cleared */
            cleared: string;
            /** Acknowledged At */
            acknowledged_at: string | null;
            /** Acknowledged By */
            acknowledged_by: string;
            /** Note */
            note: string;
            action: components["schemas"]["AlertActionAnswer"];
        };
        /** AlertPage */
        AlertPage: {
            /** Items */
            items: components["schemas"]["AlertAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** AlertsSpec */
        AlertsSpec: {
            /**
             * @default {
             *       "enabled": true,
             *       "action": "notify",
             *       "steps": 1
             *     }
             */
            nan: components["schemas"]["NanAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "threshold": 8,
             *       "rise": 0.1,
             *       "window": 128,
             *       "warmup": 100,
             *       "steps": 1
             *     }
             */
            loss_spike: components["schemas"]["LossSpikeAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "threshold": 15,
             *       "rise": 2,
             *       "limit": null,
             *       "window": 128,
             *       "warmup": 100,
             *       "steps": 1
             *     }
             */
            grad_norm: components["schemas"]["GradNormAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "metric": "train/loss",
             *       "improvement": 0.001,
             *       "steps": 5000
             *     }
             */
            plateau: components["schemas"]["PlateauAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "factor": 20,
             *       "seconds": 120
             *     }
             */
            stall: components["schemas"]["StallAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "fraction": 0.5,
             *       "window": 200,
             *       "steps": 20
             *     }
             */
            throughput_drop: components["schemas"]["ThroughputDropAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "ratio": 1.5,
             *       "steps": 20
             *     }
             */
            straggler: components["schemas"]["StragglerAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "share": 0.3,
             *       "steps": 50
             *     }
             */
            data_wait: components["schemas"]["DataWaitAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "free_bytes": 2147483648
             *     }
             */
            disk: components["schemas"]["DiskAlert"];
            /**
             * @default {
             *       "enabled": true,
             *       "action": "annotate",
             *       "tokens": null,
             *       "hours": null,
             *       "cost_usd": null,
             *       "usd_per_slot_hour": null
             *     }
             */
            budget: components["schemas"]["BudgetAlert"];
            /**
             * Max Rollbacks
             * @description so often a detector may roll the run back; after that it only tells
             * @default 2
             */
            max_rollbacks: number;
        };
        /** AliasAnswer */
        AliasAnswer: {
            /** Project */
            project: string;
            /** Name */
            name: string;
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Moved At */
            moved_at: string;
            /** Moved By */
            moved_by: string;
        };
        /**
         * AliasMove
         * @description `before`: the checkpoint that had the alias; null where it is new.
         */
        AliasMove: {
            /** Alias */
            alias: string;
            /** Before */
            before: string | null;
        };
        /** AliasPage */
        AliasPage: {
            /** Items */
            items: components["schemas"]["AliasAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** AttemptAnswer */
        AttemptAnswer: {
            /** Id */
            id: string;
            /** Attempt */
            attempt: number;
            /**
             * State
             * @enum {string}
             */
            state: "placed" | "claimed" | "running" | "succeeded" | "failed" | "stopped" | "killed" | "lost" | "paused" | "preempted" | "rolled_back";
            /** Worker */
            worker: string;
            /** Slots */
            slots: string[];
            /** Reason */
            reason: string;
            failure: components["schemas"]["Failure"] | null;
            /** Preempted */
            preempted: boolean;
            /** Resume Step */
            resume_step: number;
            /** Started At */
            started_at: string | null;
            /** Ended At */
            ended_at: string | null;
        };
        /** AttemptClaimed */
        AttemptClaimed: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "AttemptClaimed";
            /** Attempt */
            attempt: number;
            /** Worker */
            worker: string;
            /**
             * Resume Step
             * @description the newest committed checkpoint's step; 0 where there is none
             */
            resume_step: number;
        };
        /** AttemptEnded */
        AttemptEnded: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "AttemptEnded";
            /** Attempt */
            attempt: number;
            /** Outcome */
            outcome: string;
            /**
             * Reason
             * @default
             */
            reason: string;
            /** @default null */
            failure: components["schemas"]["Failure"] | null;
        };
        /** AttemptPlaced */
        AttemptPlaced: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "AttemptPlaced";
            /** Attempt */
            attempt: number;
            /** Worker */
            worker: string;
            /** Slots */
            slots: string[];
        };
        /**
         * AttemptPreempted
         * @description It is asked to save itself and to give its slots to a run of higher priority.
         */
        AttemptPreempted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "AttemptPreempted";
            /** Attempt */
            attempt: number;
            /** Reason */
            reason: string;
        };
        /**
         * AuditAnswer
         * @description `who` and `role` are empty where nobody was known. `status`: of the answer.
         */
        AuditAnswer: {
            /** At */
            at: string;
            /** Who */
            who: string;
            /** Role */
            role: string;
            /** Method */
            method: string;
            /** Path */
            path: string;
            /** Status */
            status: number;
        };
        /** AuditPage */
        AuditPage: {
            /** Items */
            items: components["schemas"]["AuditAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * BudgetAlert
         * @description Silent until a limit is given. Time counts from step to step, over all attempts.
         */
        BudgetAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Tokens
             * @default null
             */
            tokens: number | null;
            /**
             * Hours
             * @default null
             */
            hours: number | null;
            /**
             * Cost Usd
             * @default null
             */
            cost_usd: number | null;
            /**
             * Usd Per Slot Hour
             * @description what cost_usd is reckoned with
             * @default null
             */
            usd_per_slot_hour: number | null;
        };
        /**
         * ChangedCheckpoint
         * @description `moved`: aliases that it got, and which checkpoint had them before.
         */
        ChangedCheckpoint: {
            /** Id */
            id: string;
            /** Run Id */
            run_id: string;
            /** Run Name */
            run_name: string;
            /** Project */
            project: string;
            /** Attempt */
            attempt: number;
            /** Step */
            step: number;
            /** Tokens */
            tokens: number;
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
            /** Bytes */
            bytes: number;
            /** Created At */
            created_at: string;
            /**
             * State
             * @enum {string}
             */
            state: "committed" | "damaged" | "deleting";
            /** Verified At */
            verified_at: string | null;
            /** Damage */
            damage: string;
            /** Pinned */
            pinned: boolean;
            /** Pinned By */
            pinned_by: string | null;
            /** Aliases */
            aliases: string[];
            /** Kept Because */
            kept_because: string[];
            /** Expires At */
            expires_at: string | null;
            /** Left Behind */
            left_behind: boolean;
            /** Files */
            files: components["schemas"]["FileRef"][];
            /** Moved */
            moved: components["schemas"]["AliasMove"][];
        };
        /**
         * CheckpointAnswer
         * @description `kept_because`: in plain words; where it is empty, nothing keeps it and `expires_at` says when it goes.
         *
         *     `left_behind`: its run was rolled back to before it. `damage`: what is wrong with its bytes; empty where nothing is known to be.
         *     `verified_at`: when every byte was last read back and right.
         */
        CheckpointAnswer: {
            /** Id */
            id: string;
            /** Run Id */
            run_id: string;
            /** Run Name */
            run_name: string;
            /** Project */
            project: string;
            /** Attempt */
            attempt: number;
            /** Step */
            step: number;
            /** Tokens */
            tokens: number;
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
            /** Bytes */
            bytes: number;
            /** Created At */
            created_at: string;
            /**
             * State
             * @enum {string}
             */
            state: "committed" | "damaged" | "deleting";
            /** Verified At */
            verified_at: string | null;
            /** Damage */
            damage: string;
            /** Pinned */
            pinned: boolean;
            /** Pinned By */
            pinned_by: string | null;
            /** Aliases */
            aliases: string[];
            /** Kept Because */
            kept_because: string[];
            /** Expires At */
            expires_at: string | null;
            /** Left Behind */
            left_behind: boolean;
            /** Files */
            files: components["schemas"]["FileRef"][];
        };
        /**
         * CheckpointChange
         * @description What is absent stays. `aliases`: all that it is to have from now on; those of other checkpoints move to it.
         */
        CheckpointChange: {
            /**
             * Pinned
             * @default null
             */
            pinned: boolean | null;
            /**
             * Aliases
             * @default null
             */
            aliases: string[] | null;
        };
        /** CheckpointCommitted */
        CheckpointCommitted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CheckpointCommitted";
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
            /** Bytes */
            bytes: number;
        };
        /**
         * CheckpointDamaged
         * @description Somebody read bytes that are not what was committed; it is not offered while storage has not found every byte right.
         */
        CheckpointDamaged: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CheckpointDamaged";
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
            /** Reason */
            reason: string;
        };
        /** CheckpointDeleted */
        CheckpointDeleted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CheckpointDeleted";
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
            /** Bytes */
            bytes: number;
            /**
             * By
             * @description who asked, or `retention`
             */
            by: string;
            /** Reason */
            reason: string;
        };
        /**
         * CheckpointFailed
         * @description It could not be written; nothing of it is left, and the run goes on. The next one that is due is tried as any other.
         */
        CheckpointFailed: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CheckpointFailed";
            /** Step */
            step: number;
            /** Reason */
            reason: string;
        };
        /** CheckpointPage */
        CheckpointPage: {
            /** Items */
            items: components["schemas"]["CheckpointAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * CheckpointSaved
         * @description Written to the run directory; it becomes visible with `CheckpointCommitted`.
         */
        CheckpointSaved: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CheckpointSaved";
            /** Step */
            step: number;
            /** Bytes */
            bytes: number;
            /**
             * Seconds
             * @description from the step's end until all of it was on the disk
             */
            seconds: number;
            /**
             * Stall Seconds
             * @description how long training stood still for it
             * @default 0
             */
            stall_seconds: number;
        };
        /** CheckpointSpec */
        CheckpointSpec: {
            /**
             * Every
             * @description steps
             * @default 500
             */
            every: number;
            /**
             * Keep Last
             * @description so many of the newest are kept
             * @default 3
             */
            keep_last: number;
            /**
             * Keep Best
             * @description so many of the best by best_metric are kept
             * @default 1
             */
            keep_best: number;
            /**
             * Best Metric
             * @description group/name of what is logged
             * @default val/loss
             */
            best_metric: string;
            /**
             * Best Mode
             * @description whether the smallest or the largest is best
             * @default min
             * @enum {string}
             */
            best_mode: "min" | "max";
            /**
             * Keep Every
             * @description what is saved at a multiple of it is kept for ever
             * @default null
             */
            keep_every: number | null;
        };
        /**
         * CommandAccepted
         * @description A worker has been told.
         */
        CommandAccepted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CommandAccepted";
            /** Command Id */
            command_id: string;
            /** Command */
            command: string;
        };
        /**
         * CommandAnswer
         * @description `step`, `ranks`: applied after this step, on so many processes. `undone`: the run was rolled back to before it.
         */
        CommandAnswer: {
            /** Command Id */
            command_id: string;
            type: components["schemas"]["CommandType"];
            /** Arguments */
            arguments: {
                [key: string]: unknown;
            };
            /**
             * State
             * @enum {string}
             */
            state: "requested" | "accepted" | "applied" | "rejected";
            /** Step */
            step: number | null;
            /** Ranks */
            ranks: number | null;
            /** Reason */
            reason: string;
            /** By */
            by: string;
            /** Created At */
            created_at: string;
            /** Accepted At */
            accepted_at: string | null;
            /** Ended At */
            ended_at: string | null;
            /** Undone */
            undone: boolean;
        };
        /**
         * CommandApplied
         * @description After `step` and before the next, on all `ranks`; what could not be is told by `rejected`.
         */
        CommandApplied: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CommandApplied";
            /** Command Id */
            command_id: string;
            /** Step */
            step: number;
            /** Ranks */
            ranks: number;
            /**
             * Command
             * @default
             */
            command: string;
            /**
             * Rejected
             * @default
             */
            rejected: string;
        };
        /**
         * CommandBody
         * @description `stop` ends the run after its current step, with a checkpoint; `kill` ends its processes at once. All others are done between two
         *     steps, on all ranks between the same two, and are part of the run's next checkpoint.
         */
        CommandBody: {
            type: components["schemas"]["CommandType"];
            /**
             * Hold
             * @description pause: keep the slots, with the processes standing still
             * @default false
             */
            hold: boolean;
            /**
             * From Scratch
             * @description resume: begin at the first step, and leave all checkpoints behind
             * @default false
             */
            from_scratch: boolean;
            /**
             * @default {
             *       "steps": null,
             *       "batch_size": null,
             *       "optimizer": {
             *         "betas": null,
             *         "grad_clip": null,
             *         "lr": null,
             *         "weight_decay": null
             *       },
             *       "schedule": {
             *         "final_fraction": null,
             *         "name": null,
             *         "warmup_steps": null
             *       },
             *       "evaluate": {
             *         "batches": null,
             *         "every": null
             *       },
             *       "checkpoint": {
             *         "every": null
             *       },
             *       "sample": {
             *         "every": null,
             *         "max_new_tokens": null,
             *         "prompts": null
             *       }
             *     }
             */
            changes: components["schemas"]["Hyperparameters"];
            /**
             * Prompts
             * @description sample: instead of the run's own
             */
            prompts?: string[];
            /**
             * Checkpoint Id
             * @description rollback: where to go back to
             * @default
             */
            checkpoint_id: string;
        };
        /** CommandPage */
        CommandPage: {
            /** Items */
            items: components["schemas"]["CommandAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * CommandRejected
         * @description Nothing has changed. Only of commands that had been requested: what is refused at once is an answer and no event.
         */
        CommandRejected: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CommandRejected";
            /** Command Id */
            command_id: string;
            /** Command */
            command: string;
            /** Reason */
            reason: string;
        };
        /** CommandRequested */
        CommandRequested: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "CommandRequested";
            /** Command Id */
            command_id: string;
            /** Command */
            command: string;
            /** By */
            by: string;
            /** Arguments */
            arguments?: {
                [key: string]: unknown;
            };
        };
        /**
         * CommandRequestedAnswer
         * @description `state`: `requested`; or `applied`, where no worker was needed for it.
         */
        CommandRequestedAnswer: {
            /** Command Id */
            command_id: string;
            type: components["schemas"]["CommandType"];
            /** State */
            state: string;
        };
        /**
         * CommandType
         * @description Every one is applied between two steps, on all ranks between the same two. `kill` alone waits for no step.
         * @enum {string}
         */
        CommandType: "stop" | "kill" | "pause" | "resume" | "save_checkpoint" | "evaluate" | "sample" | "set_hyperparameters" | "rollback";
        /** ComputeSpec */
        ComputeSpec: {
            /**
             * Nodes
             * @description hosts; this version trains on one
             * @default 1
             * @constant
             */
            nodes: 1;
            /**
             * Processes Per Node
             * @default 1
             */
            processes_per_node: number;
            /**
             * Device
             * @default auto
             * @enum {string}
             */
            device: "auto" | "cpu" | "cuda";
            /**
             * Strategy
             * @default ddp
             * @constant
             */
            strategy: "ddp";
            /**
             * Priority
             * @description higher goes first
             * @default 50
             */
            priority: number;
            /**
             * Preemptible
             * @description a run of higher priority that finds no place may take its slots; it is saved and queued
             * @default true
             */
            preemptible: boolean;
        };
        /** DataWaitAlert */
        DataWaitAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Share
             * @description of the step's time that is spent waiting for data
             * @default 0.3
             */
            share: number;
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 50
             */
            steps: number;
        };
        /** DatasetList */
        DatasetList: {
            /** Items */
            items: components["schemas"]["DatasetView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** DatasetRef */
        DatasetRef: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Version */
            version: number;
            /** Bytes */
            bytes: number;
        };
        /** DatasetVersionView */
        DatasetVersionView: {
            /** Id */
            id: string;
            /** Dataset */
            dataset: string;
            /** Version */
            version: number;
            /** Bytes */
            bytes: number;
            /** Files */
            files: number;
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /** DatasetView */
        DatasetView: {
            /** Name */
            name: string;
            /** Versions */
            versions: number;
            latest: components["schemas"]["DatasetVersionView"];
            /** Created At */
            created_at: string;
        };
        /** Deletion */
        Deletion: {
            /** Ids */
            ids: string[];
            /**
             * Dry Run
             * @description only tell what would be deleted
             * @default false
             */
            dry_run: boolean;
        };
        /**
         * DeletionAnswer
         * @description `bytes`: of all in `deleted` together.
         */
        DeletionAnswer: {
            /** Deleted */
            deleted: string[];
            /** Refused */
            refused: components["schemas"]["Refusal"][];
            /** Bytes */
            bytes: number;
        };
        /**
         * DeliveryAnswer
         * @description `state`: dead is given up after the last try, dropped was never queued since too many waited.
         */
        DeliveryAnswer: {
            /** Delivery Id */
            delivery_id: string;
            /** Target Id */
            target_id: string;
            /** Type */
            type: string;
            /** Subject */
            subject: string;
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "delivered" | "dead" | "dropped";
            /** Tries */
            tries: number;
            /** Error */
            error: string;
            /** Created At */
            created_at: string;
            /** Next At */
            next_at: string | null;
            /** Ended At */
            ended_at: string | null;
        };
        /** DeliveryPage */
        DeliveryPage: {
            /** Items */
            items: components["schemas"]["DeliveryAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * DetectorCleared
         * @description What an earlier DetectorFired told of has passed.
         */
        DetectorCleared: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "DetectorCleared";
            /** Alert Id */
            alert_id: string;
            /** Detector */
            detector: string;
            /** Step */
            step: number;
            /** Message */
            message: string;
        };
        /**
         * DetectorFired
         * @description `step`: the last one seen, 0 where there is none. `window`: further numbers that led to it. `actions`: what is done about it.
         */
        DetectorFired: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "DetectorFired";
            /** Alert Id */
            alert_id: string;
            /** Detector */
            detector: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
            /** Step */
            step: number;
            /** Metric */
            metric: string;
            /** Value */
            value: number;
            /** Threshold */
            threshold: number;
            /** Window */
            window?: {
                [key: string]: number;
            };
            /** Message */
            message: string;
            /**
             * Remedy
             * @default
             */
            remedy: string;
            /** Actions */
            actions: string[];
        };
        /** DiskAlert */
        DiskAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Free Bytes
             * @description room below which it is too little
             * @default 2147483648
             */
            free_bytes: number;
        };
        /** DocumentList */
        DocumentList: {
            /** Items */
            items: components["schemas"]["DocumentView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * DocumentView
         * @description `text` is cut at 2,000 characters.
         */
        DocumentView: {
            /** Path */
            path: string;
            /** Bytes */
            bytes: number;
            /** Index */
            index: number;
            /** Text */
            text: string;
        };
        /** DrainBody */
        DrainBody: {
            /** Drain */
            drain: boolean;
        };
        /**
         * EmergencyAnswer
         * @description `active`: it stands; nothing is placed or claimed. `by`, `reason` and `since` are null where none does. `attempts`: how many had
         *     their slots when it came. `remaining`: of those, what no heartbeat has yet told to be gone; a silent worker's stay.
         */
        EmergencyAnswer: {
            /** Active */
            active: boolean;
            /** By */
            by: string | null;
            /** Reason */
            reason: string | null;
            /** Since */
            since: string | null;
            /** Attempts */
            attempts: number;
            /** Remaining */
            remaining: number;
        };
        /**
         * EmergencyBody
         * @description `confirm`: what a person typed.
         */
        EmergencyBody: {
            /**
             * Reason
             * @description what the stopped runs say
             * @default
             */
            reason: string;
            /**
             * Confirm
             * @default null
             */
            confirm: "stop everything" | null;
        };
        /**
         * EmergencyEnded
         * @description A person has reopened the queue, or the worker.
         */
        EmergencyEnded: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "EmergencyEnded";
            /** By */
            by: string;
            /**
             * Worker
             * @default
             */
            worker: string;
        };
        /**
         * EmergencyStopped
         * @description Every attempt is being killed and the queue is closed. `worker`: empty, or the one whose host was stopped by hand.
         */
        EmergencyStopped: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "EmergencyStopped";
            /** By */
            by: string;
            /** Reason */
            reason: string;
            /**
             * Worker
             * @default
             */
            worker: string;
            /**
             * Attempts
             * @description how many were running
             */
            attempts: number;
        };
        /**
         * Encoded
         * @description `tokens`: each id as it is spelt in the vocabulary.
         */
        Encoded: {
            /** Ids */
            ids: number[];
            /** Tokens */
            tokens: string[];
        };
        /**
         * Envelope
         * @description An event as everyone reads it. `(epoch, seq)` is its place in its topic; a new epoch means Redis lost or may have lost events.
         */
        Envelope: {
            /** Run Id */
            run_id: string;
            /**
             * Attempt
             * @default null
             */
            attempt: number | null;
            /**
             * Fence
             * @default null
             */
            fence: number | null;
            /** Producer */
            producer: string;
            /** Producer Seq */
            producer_seq: number;
            /** At */
            at: number;
            /** Event */
            event: components["schemas"]["RunCreated"] | components["schemas"]["RunStateChanged"] | components["schemas"]["RunDeleted"] | components["schemas"]["AttemptPlaced"] | components["schemas"]["AttemptClaimed"] | components["schemas"]["AttemptEnded"] | components["schemas"]["AttemptPreempted"] | components["schemas"]["RunForked"] | components["schemas"]["RunRolledBack"] | components["schemas"]["CheckpointCommitted"] | components["schemas"]["CheckpointDamaged"] | components["schemas"]["CheckpointDeleted"] | components["schemas"]["CommandRequested"] | components["schemas"]["CommandAccepted"] | components["schemas"]["CommandRejected"] | components["schemas"]["WorkerJoined"] | components["schemas"]["WorkerLost"] | components["schemas"]["WorkerDraining"] | components["schemas"]["QueuePaused"] | components["schemas"]["QueueReopened"] | components["schemas"]["WorkerHalted"] | components["schemas"]["EmergencyStopped"] | components["schemas"]["EmergencyEnded"] | components["schemas"]["StorageLevelChanged"] | components["schemas"]["TrainingStarted"] | components["schemas"]["StepCompleted"] | components["schemas"]["EvaluationCompleted"] | components["schemas"]["SampleGenerated"] | components["schemas"]["CheckpointSaved"] | components["schemas"]["CheckpointFailed"] | components["schemas"]["CommandApplied"] | components["schemas"]["HyperparametersChanged"] | components["schemas"]["TrainingHeld"] | components["schemas"]["TrainingContinued"] | components["schemas"]["TrainingEnded"] | components["schemas"]["ProcessDied"] | components["schemas"]["ProcessAdopted"] | components["schemas"]["HangDetected"] | components["schemas"]["LogWritten"] | components["schemas"]["StepSkipped"] | components["schemas"]["EventsDropped"] | components["schemas"]["HostSampled"] | components["schemas"]["DetectorFired"] | components["schemas"]["DetectorCleared"] | components["schemas"]["AlertActionTaken"];
            /** Epoch */
            epoch: string;
            /** Seq */
            seq: number;
        };
        /**
         * Estimate
         * @description `flops`: of all steps. `memory_bytes_per_device` is rough. None: not known.
         */
        Estimate: {
            /** Parameters */
            parameters: number;
            /** Tokens */
            tokens: number;
            /** Flops */
            flops: number;
            /** Memory Bytes Per Device */
            memory_bytes_per_device: number;
            /** Duration Seconds */
            duration_seconds: number | null;
            /** Checkpoint Bytes */
            checkpoint_bytes: number;
            /** Cost Usd */
            cost_usd: number | null;
        };
        /** EvaluateChange */
        EvaluateChange: {
            /**
             * Every
             * @default null
             */
            every: number | null;
            /**
             * Batches
             * @default null
             */
            batches: number | null;
        };
        /** EvaluateSpec */
        EvaluateSpec: {
            /**
             * Every
             * @description steps
             * @default 250
             */
            every: number;
            /**
             * Batches
             * @default 20
             */
            batches: number;
            /**
             * Holdout
             * @description share of the tokens, at the end of the dataset, kept for validation
             * @default 0.1
             */
            holdout: number;
        };
        /** EvaluationCompleted */
        EvaluationCompleted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "EvaluationCompleted";
            /** Step */
            step: number;
            /** Tokens */
            tokens: number;
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
        };
        /** EventPage */
        EventPage: {
            /** Items */
            items: components["schemas"]["Envelope"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * EventsDropped
         * @description At this place of the stream events are missing: the worker's spool had no room for them, or was damaged. first_step, last_step: of
         *     the steps among them; none where they were of other kinds, or nobody knows.
         */
        EventsDropped: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "EventsDropped";
            /** Count */
            count: number;
            /**
             * First Step
             * @default null
             */
            first_step: number | null;
            /**
             * Last Step
             * @default null
             */
            last_step: number | null;
            /** Reason */
            reason: string;
        };
        /**
         * Failure
         * @description `message`: what was seen, with its numbers.
         */
        Failure: {
            kind: components["schemas"]["FailureKind"];
            /** Message */
            message: string;
            /** Remedy */
            remedy: string;
        };
        /**
         * FailureKind
         * @enum {string}
         */
        FailureKind: "out_of_device_memory" | "out_of_memory" | "collective_timeout" | "disk_full" | "data_error" | "not_finite" | "too_many_skipped" | "killed_by_system" | "hang" | "checkpoint_unfit" | "worker_lost" | "crash";
        /** FileEntry */
        FileEntry: {
            /**
             * Path
             * @description relative, with '/' between folders
             */
            path: string;
            /** Bytes */
            bytes: number;
        };
        /** FileList */
        FileList: {
            /** Items */
            items: components["schemas"]["FileView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** FileRef */
        FileRef: {
            /** Name */
            name: string;
            /** Bytes */
            bytes: number;
            /** Sha256 */
            sha256: string;
        };
        /** FileView */
        FileView: {
            /** Path */
            path: string;
            /** Bytes */
            bytes: number;
        };
        /**
         * ForkBody
         * @description `overrides`: parts of a run spec. What is not named is as it was at the checkpoint, changed hyperparameters included.
         */
        ForkBody: {
            /** Checkpoint Id */
            checkpoint_id: string;
            /**
             * Name
             * @default null
             */
            name: string | null;
            /** Overrides */
            overrides?: {
                [key: string]: unknown;
            };
        };
        /** GenerateAnswer */
        GenerateAnswer: {
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
            /** Seed */
            seed: number;
            /** Outputs */
            outputs: components["schemas"]["Output"][];
        };
        /**
         * GenerateBody
         * @description A checkpoint by its id or its alias (`project/name`), or a run (its newest one); and either one prompt or several.
         *
         *     `seed` null: a random one, told in the answer.
         */
        GenerateBody: {
            /**
             * Checkpoint Id
             * @default null
             */
            checkpoint_id: string | null;
            /**
             * Alias
             * @default null
             */
            alias: string | null;
            /**
             * Run Id
             * @default null
             */
            run_id: string | null;
            /**
             * Prompt
             * @default null
             */
            prompt: string | null;
            /**
             * Prompts
             * @default null
             */
            prompts: string[] | null;
            /**
             * Max New Tokens
             * @default 100
             */
            max_new_tokens: number;
            /**
             * Temperature
             * @description 0 always takes the likeliest token
             * @default 0.8
             */
            temperature: number;
            /**
             * Top K
             * @default null
             */
            top_k: number | null;
            /**
             * Top P
             * @default null
             */
            top_p: number | null;
            /**
             * Seed
             * @default null
             */
            seed: number | null;
            /**
             * Stream
             * @default false
             */
            stream: boolean;
        };
        /** GradNormAlert */
        GradNormAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause" | "rollback";
            /**
             * Threshold
             * @description robust z, from which on it is too large
             * @default 15
             */
            threshold: number;
            /**
             * Rise
             * @description and at least so much above the median, as a share of it
             * @default 2
             */
            rise: number;
            /**
             * Limit
             * @description a norm that is too large whatever came before
             * @default null
             */
            limit: number | null;
            /**
             * Window
             * @description newest values that are compared with
             * @default 128
             */
            window: number;
            /**
             * Warmup
             * @description first steps of the run, which are not judged
             * @default 100
             */
            warmup: number;
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 1
             */
            steps: number;
        };
        /**
         * HangDetected
         * @description No step for longer than this run has ever taken: the stacks of all ranks are in the log, then its processes are ended.
         */
        HangDetected: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "HangDetected";
            /** Step */
            step: number;
            /** Silent Seconds */
            silent_seconds: number;
        };
        /**
         * HostSampled
         * @description What a worker's host did in a second, the whole part of the record's `at`; on the worker's topic. Names: docs/system-metrics.md.
         *
         *     `gpus`: UUIDs by index. `dropped`: samples before this one that were given up during an outage.
         */
        HostSampled: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "HostSampled";
            /** Worker */
            worker: string;
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
            /** Gpus */
            gpus?: string[];
            /**
             * Dropped
             * @default 0
             */
            dropped: number;
        };
        /**
         * Hyperparameters
         * @description What `set_hyperparameters` changes of `train`; what is not given stays. The learning rate of a step is the schedule's, computed from
         *     step 1 with the values that hold at that step. A batch is changed by accumulation: the micro-batch stays as it was.
         */
        Hyperparameters: {
            /**
             * Steps
             * @description the run's last step
             * @default null
             */
            steps?: number | null;
            /**
             * Batch Size
             * @description sequences per optimiser step over all devices
             * @default null
             */
            batch_size?: number | null;
            /**
             * @default {
             *       "lr": null,
             *       "weight_decay": null,
             *       "betas": null,
             *       "grad_clip": null
             *     }
             */
            optimizer?: components["schemas"]["OptimizerChange"];
            /**
             * @default {
             *       "name": null,
             *       "warmup_steps": null,
             *       "final_fraction": null
             *     }
             */
            schedule?: components["schemas"]["ScheduleChange"];
            /**
             * @default {
             *       "every": null,
             *       "batches": null
             *     }
             */
            evaluate?: components["schemas"]["EvaluateChange"];
            /**
             * @default {
             *       "every": null
             *     }
             */
            checkpoint?: components["schemas"]["CheckpointChange"];
            /**
             * @default {
             *       "every": null,
             *       "prompts": null,
             *       "max_new_tokens": null
             *     }
             */
            sample?: components["schemas"]["SampleChange"];
        };
        /**
         * HyperparametersChanged
         * @description From the step behind `step` on. Paths are those of the spec (`train.optimizer.lr`).
         */
        HyperparametersChanged: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "HyperparametersChanged";
            /** Command Id */
            command_id: string;
            /** Step */
            step: number;
            /** Old */
            old: {
                [key: string]: unknown;
            };
            /** New */
            new: {
                [key: string]: unknown;
            };
            /**
             * Replayed
             * @description applied again at its step by a later attempt, or by a replay
             * @default false
             */
            replayed?: boolean;
        };
        /** LogLine */
        LogLine: {
            /** Rank */
            rank: number;
            /** Line */
            line: number;
            /** Attempt */
            attempt: number;
            /** At */
            at: string;
            /** Text */
            text: string;
            /**
             * Error
             * @description it tells one
             */
            error: boolean;
        };
        /**
         * LogPage
         * @description A page may hold fewer lines than `limit`, even none, and yet have a cursor: then so much of the log was searched for it.
         */
        LogPage: {
            /** Items */
            items: components["schemas"]["LogLine"][];
            /** Next Cursor */
            next_cursor: string | null;
            /**
             * Next Line
             * @description where to go on, also when there is no more for now: no line before it is left (from the end: none from it on)
             */
            next_line: number;
        };
        /**
         * LogWritten
         * @description `offset`: in the rank's log, behind the last line; none for lines of the agent's own.
         */
        LogWritten: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "LogWritten";
            /** Rank */
            rank: number;
            /** Lines */
            lines: string[];
            /**
             * Offset
             * @default null
             */
            offset: number | null;
        };
        /** LoginBody */
        LoginBody: {
            /** Code */
            code: string;
        };
        /**
         * LoginLink
         * @description The link works once, within `expires_in` seconds.
         */
        LoginLink: {
            /** Url */
            url: string;
            /** Expires In */
            expires_in: number;
        };
        /** LossSpikeAlert */
        LossSpikeAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause" | "rollback";
            /**
             * Threshold
             * @description robust z, from which on it is a spike
             * @default 8
             */
            threshold: number;
            /**
             * Rise
             * @description and at least so much above the median, as a share of it
             * @default 0.1
             */
            rise: number;
            /**
             * Window
             * @description newest values that are compared with
             * @default 128
             */
            window: number;
            /**
             * Warmup
             * @description first steps of the run, which are not judged
             * @default 100
             */
            warmup: number;
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 1
             */
            steps: number;
        };
        /** MeAnswer */
        MeAnswer: {
            /** Name */
            name: string;
            role: components["schemas"]["Role"];
        };
        /** MetricsAnswer */
        MetricsAnswer: {
            /** Series */
            series: components["schemas"]["SeriesAnswer"][];
            /** @description what the history did not take; null: nothing */
            refused: components["schemas"]["Refused"] | null;
            /** @description the newest step of the whole run; no point before it is missing. null: there is none yet */
            reached: components["schemas"]["Reached"] | null;
        };
        /**
         * MissingPart
         * @description PUT the part's bytes to `url`; it is good for an hour, and the upload tells a new one.
         */
        MissingPart: {
            /** Sha256 */
            sha256: string;
            /** Url */
            url: string;
        };
        /** ModelSpec */
        ModelSpec: {
            /**
             * Architecture
             * @default decoder
             * @constant
             */
            architecture: "decoder";
            /**
             * Preset
             * @default nano
             * @enum {string}
             */
            preset: "nano" | "micro" | "gpt2-124m";
            /**
             * N Layer
             * @default 4
             */
            n_layer: number;
            /**
             * N Head
             * @default 4
             */
            n_head: number;
            /**
             * N Embd
             * @default 128
             */
            n_embd: number;
            /**
             * Sequence Length
             * @description tokens in one training sequence
             * @default 64
             */
            sequence_length: number;
            /**
             * Dropout
             * @default 0
             */
            dropout: number;
            /**
             * Tied Head
             * @description share the embedding with the output layer
             * @default true
             */
            tied_head: boolean;
        };
        /**
         * NanAlert
         * @description A loss or gradient norm that is not a finite number.
         */
        NanAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default notify
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause" | "rollback";
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 1
             */
            steps: number;
        };
        /** NewTargetAnswer */
        NewTargetAnswer: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "slack";
            /** Host */
            host: string;
            /** Events */
            events: ("alert.critical" | "alert.warning" | "alert.info" | "alert.cleared" | "run.failed" | "run.succeeded" | "run.stopped" | "run.killed")[];
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Waiting */
            waiting: number;
            /** Failed */
            failed: number;
            /** Last Error */
            last_error: string;
            /**
             * Secret
             * @description shown this once, where it was made here; empty for Slack and where it was given
             */
            secret: string;
        };
        /**
         * NewTokenAnswer
         * @description `token` is shown this once.
         */
        NewTokenAnswer: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            role: components["schemas"]["Role"];
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /** Last Used At */
            last_used_at: string | null;
            /** Token */
            token: string;
        };
        /** NewTokenizer */
        NewTokenizer: {
            /**
             * Name
             * @description lower-case letters, digits, '.', '_' and '-', at most 63
             */
            name: string;
            /**
             * Kind
             * @default bpe
             * @constant
             */
            kind: "bpe";
            /**
             * Vocab Size
             * @description 256 bytes, end-of-text, and what is merged from them
             */
            vocab_size: number;
            /**
             * Dataset
             * @description name, or name@version
             */
            dataset: string;
        };
        /**
         * NewUpload
         * @description Files, one after the other, make one stream; the parts cut it into pieces of 1 byte to 64 MiB, between characters.
         */
        NewUpload: {
            /**
             * Dataset
             * @description lower-case letters, digits, '.', '_' and '-', at most 63
             */
            dataset: string;
            /**
             * Files
             * @description 1 to 200000
             */
            files: components["schemas"]["FileEntry"][];
            /** Parts */
            parts: components["schemas"]["PartEntry"][];
        };
        /** OptimizerChange */
        OptimizerChange: {
            /**
             * Lr
             * @default null
             */
            lr: number | null;
            /**
             * Weight Decay
             * @default null
             */
            weight_decay: number | null;
            /**
             * Betas
             * @default null
             */
            betas: [
                number,
                number
            ] | null;
            /**
             * Grad Clip
             * @description largest norm of the gradient; 0 switches clipping off
             * @default null
             */
            grad_clip: number | null;
        };
        /** OptimizerSpec */
        OptimizerSpec: {
            /**
             * Name
             * @default adamw
             * @constant
             */
            name: "adamw";
            /**
             * Lr
             * @default 0.001
             */
            lr: number;
            /**
             * Weight Decay
             * @default 0.1
             */
            weight_decay: number;
            /**
             * Betas
             * @default [
             *       0.9,
             *       0.95
             *     ]
             */
            betas: [
                number,
                number
            ];
            /**
             * Grad Clip
             * @description largest norm of the gradient; 0 switches clipping off
             * @default 1
             */
            grad_clip: number;
        };
        /**
         * OriginAnswer
         * @description The checkpoint of another run that this one begins from.
         */
        OriginAnswer: {
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
        };
        /**
         * Output
         * @description What one prompt grew by. `logprobs[i]` is of `tokens[i]`; `finish_reason`: length or end_of_text.
         */
        Output: {
            /**
             * Text
             * @default
             */
            text: string;
            /**
             * Tokens
             * @default []
             */
            tokens: number[];
            /**
             * Logprobs
             * @default []
             */
            logprobs: (number | null)[];
            /**
             * Finish Reason
             * @default
             */
            finish_reason: string;
        };
        /** PartEntry */
        PartEntry: {
            /** Sha256 */
            sha256: string;
            /** Bytes */
            bytes: number;
        };
        /**
         * PauseAnswer
         * @description `since`: nothing has been placed from then on.
         */
        PauseAnswer: {
            /** By */
            by: string;
            /** Reason */
            reason: string;
            /** Since */
            since: string;
        };
        /** PauseBody */
        PauseBody: {
            /**
             * Reason
             * @description what the waiting runs say
             * @default
             */
            reason: string;
        };
        /** PlateauAlert */
        PlateauAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Metric
             * @default train/loss
             * @enum {string}
             */
            metric: "train/loss" | "val/loss";
            /**
             * Improvement
             * @description share of the best so far by which it has to get better
             * @default 0.001
             */
            improvement: number;
            /**
             * Steps
             * @description within so many steps
             * @default 5000
             */
            steps: number;
        };
        /**
         * Problem
         * @description RFC 9457. `errors` names the fields at fault.
         */
        Problem: {
            type: string;
            title: string;
            status: number;
            code: string;
            detail: string;
            remedy?: string;
            errors?: {
                field: string;
                message: string;
            }[];
        };
        /**
         * ProcessAdopted
         * @description Seen by the agent: it was started anew, and the training had gone on without it.
         */
        ProcessAdopted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "ProcessAdopted";
            /** Step */
            step: number;
        };
        /**
         * ProcessDied
         * @description Seen by the agent: the training processes are gone without having said goodbye.
         */
        ProcessDied: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "ProcessDied";
            /** Reason */
            reason: string;
            /**
             * After Seconds
             * @description from the last sign of life to the discovery
             */
            after_seconds: number;
        };
        /** ProgressAnswer */
        ProgressAnswer: {
            /** Step */
            step: number;
            /** Steps */
            steps: number;
            /** Tokens */
            tokens: number;
            /** Loss */
            loss: number | null;
            /** Tokens Per Second */
            tokens_per_second: number | null;
            /** Eta Seconds */
            eta_seconds: number | null;
        };
        /**
         * QueueAnswer
         * @description `pause`: null while the queue is not paused. `emergency`: the stop that closes it, or null. `waiting`: how many runs, over all pages.
         *     `shares`: projects with runs or a weight.
         */
        QueueAnswer: {
            pause: components["schemas"]["PauseAnswer"] | null;
            emergency: components["schemas"]["EmergencyAnswer"] | null;
            /** Waiting */
            waiting: number;
            /** Shares */
            shares: components["schemas"]["ShareInQueue"][];
            /** Items */
            items: components["schemas"]["WaitingAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** QueuePaused */
        QueuePaused: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "QueuePaused";
            /** By */
            by: string;
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /** QueueReopened */
        QueueReopened: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "QueueReopened";
            /** By */
            by: string;
        };
        /** Reached */
        Reached: {
            /** Attempt */
            attempt: number;
            /** Step */
            step: number;
        };
        /** Refusal */
        Refusal: {
            /** Id */
            id: string;
            /** Reasons */
            reasons: string[];
        };
        /** Refused */
        Refused: {
            /**
             * Count
             * @description points whose metric has a name that does not fit or is one too many, and events that cannot be read
             */
            count: number;
            /**
             * Reason
             * @description of the last one
             */
            reason: string;
        };
        /** ReplayBody */
        ReplayBody: {
            /**
             * Name
             * @description else the run's own with -replay
             * @default null
             */
            name: string | null;
        };
        /** Resolved */
        Resolved: {
            dataset: components["schemas"]["DatasetRef"];
            tokenizer: components["schemas"]["TokenizerRef"];
        };
        /**
         * Role
         * @description Rising rights: a viewer reads, an editor also writes, an admin also hands out tokens.
         * @enum {string}
         */
        Role: "viewer" | "editor" | "admin";
        /**
         * RunAnswer
         * @description `reason`: why it waits, or how it ended. `resolved`: the versions that `spec` meant when it was submitted. `train`: the spec's
         *     section as it is now, after what was changed. `failure`: what its last attempt died of. `holds_slots`: it is paused and keeps them.
         *     `parent_id`, `origin`: of a run that was forked. `replay_of`: the run whose spec and journal it repeats.
         */
        RunAnswer: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Project */
            project: string;
            state: components["schemas"]["RunState"];
            /** Reason */
            reason: string;
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Started At */
            started_at: string | null;
            /** Ended At */
            ended_at: string | null;
            spec: components["schemas"]["RunSpec"];
            resolved: components["schemas"]["Resolved"];
            /** Attempts */
            attempts: components["schemas"]["AttemptAnswer"][];
            progress: components["schemas"]["ProgressAnswer"];
            /** Summary */
            summary: {
                [key: string]: number;
            };
            train: components["schemas"]["TrainSpec"];
            failure: components["schemas"]["Failure"] | null;
            /** Holds Slots */
            holds_slots: boolean;
            /** Parent Id */
            parent_id: string | null;
            origin: components["schemas"]["OriginAnswer"] | null;
            /** Replay Of */
            replay_of: string | null;
        };
        /**
         * RunCreated
         * @description `alerts`: what the run is watched for, as its spec says; without it the defaults hold.
         */
        RunCreated: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "RunCreated";
            /** Name */
            name: string;
            /** By */
            by: string;
            /** @default null */
            alerts: components["schemas"]["AlertsSpec"] | null;
        };
        /**
         * RunDeleted
         * @description On the run's own topic, as its last event, and on `cluster`.
         */
        RunDeleted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "RunDeleted";
            /** Run Id */
            run_id: string;
            /** By */
            by: string;
        };
        /**
         * RunForked
         * @description On the new run's topic: it goes on from another run's checkpoint.
         */
        RunForked: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "RunForked";
            /** Parent Id */
            parent_id: string;
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Step */
            step: number;
            /** By */
            by: string;
        };
        /** RunPage */
        RunPage: {
            /** Items */
            items: components["schemas"]["RunAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * RunRolledBack
         * @description It goes on from `step`; what came behind it in the attempts up to this one is no longer part of the run.
         */
        RunRolledBack: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "RunRolledBack";
            /** Command Id */
            command_id: string;
            /** Checkpoint Id */
            checkpoint_id: string;
            /** Old Step */
            old_step: number;
            /** Step */
            step: number;
            /** By */
            by: string;
        };
        /** RunSpec */
        RunSpec: {
            /**
             * Name
             * @description lower-case letters, digits, '.', '_' and '-', at most 63
             */
            name: string;
            /**
             * Project
             * @description lower-case letters, digits, '.', '_' and '-', at most 63
             * @default default
             */
            project: string;
            /**
             * Dataset
             * @description name, or name@version
             */
            dataset: string;
            /**
             * Tokenizer
             * @description char, byte, or name@version of a trained tokenizer
             * @default byte
             */
            tokenizer: string;
            /**
             * @default {
             *       "architecture": "decoder",
             *       "preset": "nano",
             *       "n_layer": 4,
             *       "n_head": 4,
             *       "n_embd": 128,
             *       "sequence_length": 64,
             *       "dropout": 0,
             *       "tied_head": true
             *     }
             */
            model: components["schemas"]["ModelSpec"];
            /**
             * @default {
             *       "steps": 2000,
             *       "batch_size": 12,
             *       "micro_batch_size": "auto",
             *       "optimizer": {
             *         "betas": [
             *           0.9,
             *           0.95
             *         ],
             *         "grad_clip": 1,
             *         "lr": 0.001,
             *         "name": "adamw",
             *         "weight_decay": 0.1
             *       },
             *       "schedule": {
             *         "final_fraction": 0.1,
             *         "name": "cosine",
             *         "warmup_steps": 100
             *       },
             *       "precision": "auto",
             *       "evaluate": {
             *         "batches": 20,
             *         "every": 250,
             *         "holdout": 0.1
             *       },
             *       "checkpoint": {
             *         "best_metric": "val/loss",
             *         "best_mode": "min",
             *         "every": 500,
             *         "keep_best": 1,
             *         "keep_every": null,
             *         "keep_last": 3
             *       },
             *       "sample": {
             *         "every": 500,
             *         "max_new_tokens": 64,
             *         "prompts": []
             *       },
             *       "skip": {
             *         "grad_norm": null,
             *         "loss_spike": null,
             *         "max_consecutive": 10,
             *         "non_finite": true,
             *         "window": 128
             *       },
             *       "seed": 1337
             *     }
             */
            train: components["schemas"]["TrainSpec"];
            /**
             * @default {
             *       "nodes": 1,
             *       "processes_per_node": 1,
             *       "device": "auto",
             *       "strategy": "ddp",
             *       "priority": 50,
             *       "preemptible": true
             *     }
             */
            compute: components["schemas"]["ComputeSpec"];
            /**
             * @default {
             *       "nan": {
             *         "action": "notify",
             *         "enabled": true,
             *         "steps": 1
             *       },
             *       "loss_spike": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "rise": 0.1,
             *         "steps": 1,
             *         "threshold": 8,
             *         "warmup": 100,
             *         "window": 128
             *       },
             *       "grad_norm": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "limit": null,
             *         "rise": 2,
             *         "steps": 1,
             *         "threshold": 15,
             *         "warmup": 100,
             *         "window": 128
             *       },
             *       "plateau": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "improvement": 0.001,
             *         "metric": "train/loss",
             *         "steps": 5000
             *       },
             *       "stall": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "factor": 20,
             *         "seconds": 120
             *       },
             *       "throughput_drop": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "fraction": 0.5,
             *         "steps": 20,
             *         "window": 200
             *       },
             *       "straggler": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "ratio": 1.5,
             *         "steps": 20
             *       },
             *       "data_wait": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "share": 0.3,
             *         "steps": 50
             *       },
             *       "disk": {
             *         "action": "annotate",
             *         "enabled": true,
             *         "free_bytes": 2147483648
             *       },
             *       "budget": {
             *         "action": "annotate",
             *         "cost_usd": null,
             *         "enabled": true,
             *         "hours": null,
             *         "tokens": null,
             *         "usd_per_slot_hour": null
             *       },
             *       "max_rollbacks": 2
             *     }
             */
            alerts: components["schemas"]["AlertsSpec"];
        };
        /**
         * RunState
         * @enum {string}
         */
        RunState: "queued" | "starting" | "running" | "pausing" | "paused" | "stopping" | "succeeded" | "failed" | "stopped" | "killed";
        /** RunStateChanged */
        RunStateChanged: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "RunStateChanged";
            /** Run Id */
            run_id: string;
            /** Old */
            old: string;
            /** New */
            new: string;
            /** By */
            by: string;
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /** RunUsage */
        RunUsage: {
            /** Run Id */
            run_id: string;
            /** Run Name */
            run_name: string;
            /** Project */
            project: string;
            /** Count */
            count: number;
            /** Bytes */
            bytes: number;
        };
        /** SampleAnswer */
        SampleAnswer: {
            /** Step */
            step: number;
            /** Prompt */
            prompt: string;
            /** Text */
            text: string;
            /** At */
            at: string;
            /** Attempt */
            attempt: number | null;
        };
        /** SampleChange */
        SampleChange: {
            /**
             * Every
             * @default null
             */
            every: number | null;
            /**
             * Prompts
             * @default null
             */
            prompts: string[] | null;
            /**
             * Max New Tokens
             * @default null
             */
            max_new_tokens: number | null;
        };
        /** SampleGenerated */
        SampleGenerated: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "SampleGenerated";
            /** Step */
            step: number;
            /** Prompt */
            prompt: string;
            /** Text */
            text: string;
        };
        /** SamplePage */
        SamplePage: {
            /** Items */
            items: components["schemas"]["SampleAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** SampleSpec */
        SampleSpec: {
            /**
             * Every
             * @description steps
             * @default 500
             */
            every: number;
            /** Prompts */
            prompts?: string[];
            /**
             * Max New Tokens
             * @default 64
             */
            max_new_tokens: number;
        };
        /** ScheduleChange */
        ScheduleChange: {
            /**
             * Name
             * @default null
             */
            name: ("cosine" | "constant") | null;
            /**
             * Warmup Steps
             * @default null
             */
            warmup_steps: number | null;
            /**
             * Final Fraction
             * @default null
             */
            final_fraction: number | null;
        };
        /** ScheduleSpec */
        ScheduleSpec: {
            /**
             * Name
             * @default cosine
             * @enum {string}
             */
            name: "cosine" | "constant";
            /**
             * Warmup Steps
             * @default 100
             */
            warmup_steps: number;
            /**
             * Final Fraction
             * @description learning rate at the last step as a share of the peak
             * @default 0.1
             */
            final_fraction: number;
        };
        /**
         * SeriesAnswer
         * @description Lists of the same length, an element per bucket. `count` counts all points, `nan` those that are not finite, which `min`, `max` and
         *     `mean` leave out; null where nothing finite is left. `attempt`: the highest one with a point in this series.
         */
        SeriesAnswer: {
            /** Name */
            name: string;
            /** Attempt */
            attempt: number;
            /**
             * X
             * @description of the bucket's first point
             */
            x: number[];
            /** Min */
            min: (number | null)[];
            /** Max */
            max: (number | null)[];
            /** Mean */
            mean: (number | null)[];
            /** Last */
            last: (number | null)[];
            /** Count */
            count: number[];
            /** Nan */
            nan: number[];
        };
        /** ShareAnswer */
        ShareAnswer: {
            /** Project */
            project: string;
            /** Weight */
            weight: number;
        };
        /** ShareBody */
        ShareBody: {
            /**
             * Weight
             * @description 1 where none is set; with 2 a project gets twice as many slots
             */
            weight: number;
        };
        /**
         * ShareInQueue
         * @description The less `busy_slots` by `weight`, the sooner the project's next run, among those of equal priority.
         */
        ShareInQueue: {
            /** Project */
            project: string;
            /** Weight */
            weight: number;
            /** Busy Slots */
            busy_slots: number;
            /** Waiting */
            waiting: number;
        };
        /**
         * SkipSpec
         * @description Steps that are left out: their batch is used up, the weights stay as they are. `services/trainer/skipping.py` has the rules.
         */
        SkipSpec: {
            /**
             * Non Finite
             * @description leave out a step whose loss or gradient is NaN or infinite; else that ends the run
             * @default true
             */
            non_finite: boolean;
            /**
             * Grad Norm
             * @description leave out a step whose gradient's norm, before clipping, is larger
             * @default null
             */
            grad_norm: number | null;
            /**
             * Loss Spike
             * @description leave out a step whose loss is so many standard deviations above the mean of those before it
             * @default null
             */
            loss_spike: number | null;
            /**
             * Window
             * @description so many losses before a step tell what a spike is; half of them must be there
             * @default 128
             */
            window: number;
            /**
             * Max Consecutive
             * @description the run fails when more steps in a row are left out
             * @default 10
             */
            max_consecutive: number;
        };
        /** SlotAnswer */
        SlotAnswer: {
            /** Id */
            id: string;
            /**
             * Device
             * @enum {string}
             */
            device: "cpu" | "cuda";
            /** Name */
            name: string;
            /** Attempt Id */
            attempt_id: string | null;
            /** Run Id */
            run_id: string | null;
        };
        /** SpecError */
        SpecError: {
            /** Field */
            field: string;
            /** Message */
            message: string;
        };
        /** StallAlert */
        StallAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Factor
             * @description times the median step
             * @default 20
             */
            factor: number;
            /**
             * Seconds
             * @description but never before so many seconds
             * @default 120
             */
            seconds: number;
        };
        /**
         * StepCompleted
         * @description `tokens`: seen by the run so far, over all devices.
         */
        StepCompleted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "StepCompleted";
            /** Step */
            step: number;
            /** Tokens */
            tokens: number;
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
        };
        /**
         * StepSkipped
         * @description The step counts and its batch is used up, but parameters and optimiser state stayed as they were, on every rank.
         *
         *     `overflow`: of fp16's scale, which is halved then; all other reasons are train.skip's.
         */
        StepSkipped: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "StepSkipped";
            /** Step */
            step: number;
            /**
             * Reason
             * @enum {string}
             */
            reason: "non_finite" | "grad_norm" | "loss_spike" | "overflow";
            /** Loss */
            loss: number;
            /**
             * Grad Norm
             * @description before clipping
             */
            grad_norm: number;
            /**
             * Consecutive
             * @description so many in a row, this one included, without those of fp16's scale
             */
            consecutive: number;
        };
        /** StorageLevelChanged */
        StorageLevelChanged: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "StorageLevelChanged";
            /**
             * Level
             * @description of the room that the checkpoints have left
             * @enum {string}
             */
            level: "ok" | "warning" | "full";
            /** Message */
            message: string;
        };
        /** StragglerAlert */
        StragglerAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Ratio
             * @description slowest rank's time over the median rank's
             * @default 1.5
             */
            ratio: number;
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 20
             */
            steps: number;
        };
        /**
         * SubmittedRun
         * @description `warnings`: what may go wrong later.
         */
        SubmittedRun: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Project */
            project: string;
            state: components["schemas"]["RunState"];
            /** Reason */
            reason: string;
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Started At */
            started_at: string | null;
            /** Ended At */
            ended_at: string | null;
            spec: components["schemas"]["RunSpec"];
            resolved: components["schemas"]["Resolved"];
            /** Attempts */
            attempts: components["schemas"]["AttemptAnswer"][];
            progress: components["schemas"]["ProgressAnswer"];
            /** Summary */
            summary: {
                [key: string]: number;
            };
            train: components["schemas"]["TrainSpec"];
            failure: components["schemas"]["Failure"] | null;
            /** Holds Slots */
            holds_slots: boolean;
            /** Parent Id */
            parent_id: string | null;
            origin: components["schemas"]["OriginAnswer"] | null;
            /** Replay Of */
            replay_of: string | null;
            /** Warnings */
            warnings: components["schemas"]["SpecError"][];
        };
        /**
         * TargetAnswer
         * @description Neither the secret nor the path of the address, which may be one: `host` says where it goes. `waiting`, `failed`: deliveries.
         */
        TargetAnswer: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "slack";
            /** Host */
            host: string;
            /** Events */
            events: ("alert.critical" | "alert.warning" | "alert.info" | "alert.cleared" | "run.failed" | "run.succeeded" | "run.stopped" | "run.killed")[];
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Waiting */
            waiting: number;
            /** Failed */
            failed: number;
            /** Last Error */
            last_error: string;
        };
        /**
         * TargetBody
         * @description `secret`: signs what a webhook is sent (docs/alerts.md); without it one is made and shown this once.
         */
        TargetBody: {
            /** Name */
            name: string;
            /**
             * Kind
             * @default webhook
             * @enum {string}
             */
            kind: "webhook" | "slack";
            /**
             * Url
             * @description https://...
             */
            url: string;
            /**
             * Secret
             * @default
             */
            secret: string;
            /**
             * Events
             * @default [
             *       "alert.critical",
             *       "alert.warning",
             *       "run.failed"
             *     ]
             */
            events: ("alert.critical" | "alert.warning" | "alert.info" | "alert.cleared" | "run.failed" | "run.succeeded" | "run.stopped" | "run.killed")[];
        };
        /** TargetPage */
        TargetPage: {
            /** Items */
            items: components["schemas"]["TargetAnswer"][];
            /**
             * Next Cursor
             * @default null
             */
            next_cursor: string | null;
        };
        /** Text */
        Text: {
            /** Text */
            text: string;
        };
        /** ThroughputDropAlert */
        ThroughputDropAlert: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Action
             * @default annotate
             * @enum {string}
             */
            action: "annotate" | "notify" | "pause";
            /**
             * Fraction
             * @description of the run's own median, below which it is slow
             * @default 0.5
             */
            fraction: number;
            /**
             * Window
             * @description newest values that are compared with
             * @default 200
             */
            window: number;
            /**
             * Steps
             * @description so many steps in a row, or over so many steps
             * @default 20
             */
            steps: number;
        };
        /** TicketAnswer */
        TicketAnswer: {
            /** Ticket */
            ticket: string;
            /** Expires In */
            expires_in: number;
        };
        /** TokenAnswer */
        TokenAnswer: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            role: components["schemas"]["Role"];
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /** Last Used At */
            last_used_at: string | null;
        };
        /**
         * TokenBody
         * @description `expires_in_days` null: never.
         */
        TokenBody: {
            /**
             * Name
             * @description lower-case letters, digits, '.', '_' and '-', at most 63
             */
            name: string;
            role: components["schemas"]["Role"];
            /**
             * Expires In Days
             * @default null
             */
            expires_in_days: number | null;
        };
        /** TokenPage */
        TokenPage: {
            /** Items */
            items: components["schemas"]["TokenAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** TokenizerList */
        TokenizerList: {
            /** Items */
            items: components["schemas"]["TokenizerView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * TokenizerRef
         * @description `bytes_per_token`: measured where it was trained; an estimate for other text. `bytes`: of its tokenizer.json; 0 where not known.
         */
        TokenizerRef: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Version */
            version: number;
            /** Vocab Size */
            vocab_size: number;
            /** Bytes Per Token */
            bytes_per_token: number;
            /**
             * Bytes
             * @default 0
             */
            bytes: number;
        };
        /**
         * TokenizerView
         * @description `vocab_size` may end below what was asked for: small texts have no more pairs. `dataset`: what it was made from.
         */
        TokenizerView: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Version */
            version: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "byte" | "char" | "bpe";
            /** Vocab Size */
            vocab_size: number;
            /**
             * State
             * @enum {string}
             */
            state: "training" | "ready" | "failed";
            /** Progress */
            progress: number;
            /** Reason */
            reason: string;
            /** Bytes Per Token */
            bytes_per_token: number | null;
            /** Dataset */
            dataset: string | null;
            /** Created At */
            created_at: string;
            /** Created By */
            created_by: string;
        };
        /** TrainSpec */
        TrainSpec: {
            /**
             * Steps
             * @default 2000
             */
            steps: number;
            /**
             * Batch Size
             * @description sequences per optimiser step over all devices
             * @default 12
             */
            batch_size: number;
            /**
             * Micro Batch Size
             * @description sequences per device and forward pass
             * @default auto
             */
            micro_batch_size: number | "auto";
            /**
             * @default {
             *       "name": "adamw",
             *       "lr": 0.001,
             *       "weight_decay": 0.1,
             *       "betas": [
             *         0.9,
             *         0.95
             *       ],
             *       "grad_clip": 1
             *     }
             */
            optimizer: components["schemas"]["OptimizerSpec"];
            /**
             * @default {
             *       "name": "cosine",
             *       "warmup_steps": 100,
             *       "final_fraction": 0.1
             *     }
             */
            schedule: components["schemas"]["ScheduleSpec"];
            /**
             * Precision
             * @default auto
             * @enum {string}
             */
            precision: "auto" | "fp32" | "bf16" | "fp16";
            /**
             * @default {
             *       "every": 250,
             *       "batches": 20,
             *       "holdout": 0.1
             *     }
             */
            evaluate: components["schemas"]["EvaluateSpec"];
            /**
             * @default {
             *       "every": 500,
             *       "keep_last": 3,
             *       "keep_best": 1,
             *       "best_metric": "val/loss",
             *       "best_mode": "min",
             *       "keep_every": null
             *     }
             */
            checkpoint: components["schemas"]["CheckpointSpec"];
            /**
             * @default {
             *       "every": 500,
             *       "prompts": [],
             *       "max_new_tokens": 64
             *     }
             */
            sample: components["schemas"]["SampleSpec"];
            /**
             * @default {
             *       "non_finite": true,
             *       "grad_norm": null,
             *       "loss_spike": null,
             *       "window": 128,
             *       "max_consecutive": 10
             *     }
             */
            skip: components["schemas"]["SkipSpec"];
            /**
             * Seed
             * @default 1337
             */
            seed: number;
        };
        /** TrainingContinued */
        TrainingContinued: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "TrainingContinued";
            /** Step */
            step: number;
            /**
             * Seconds
             * @description how long it stood still
             */
            seconds: number;
        };
        /** TrainingEnded */
        TrainingEnded: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "TrainingEnded";
            /** Step */
            step: number;
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "succeeded" | "stopped" | "failed" | "paused" | "rolled_back";
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /**
         * TrainingHeld
         * @description It stands still after `step`, saved, and keeps its slots.
         */
        TrainingHeld: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "TrainingHeld";
            /** Step */
            step: number;
        };
        /**
         * TrainingStarted
         * @description The child is set up and about to take its first step. Steps count from 1; `first_step` is the next to be taken.
         */
        TrainingStarted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "TrainingStarted";
            /** First Step */
            first_step: number;
            /** Steps */
            steps: number;
            /** World Size */
            world_size: number;
            /** Device */
            device: string;
            /** Precision */
            precision: string;
            /** Parameters */
            parameters: number;
        };
        /** UploadView */
        UploadView: {
            /** Id */
            id: string;
            /** Dataset */
            dataset: string;
            /**
             * State
             * @enum {string}
             */
            state: "open" | "complete";
            /** Missing */
            missing: components["schemas"]["MissingPart"][];
        };
        /**
         * UsageAnswer
         * @description `bytes`: of all, and of uploads under way. `expiring_bytes`: goes by itself soon. `quota_bytes` and `disk_free_bytes` null: none, and
         *     not known. `by_run`: the largest.
         */
        UsageAnswer: {
            /** Count */
            count: number;
            /** Bytes */
            bytes: number;
            /** Expiring Bytes */
            expiring_bytes: number;
            /** Pinned Bytes */
            pinned_bytes: number;
            /** Quota Bytes */
            quota_bytes: number | null;
            /** Disk Free Bytes */
            disk_free_bytes: number | null;
            /**
             * Level
             * @enum {string}
             */
            level: "ok" | "warning" | "full";
            /** Message */
            message: string;
            /** By Run */
            by_run: components["schemas"]["RunUsage"][];
        };
        /**
         * Validation
         * @description `estimate` is null where the spec is not good enough to tell.
         */
        Validation: {
            /** Valid */
            valid: boolean;
            /** Errors */
            errors: components["schemas"]["SpecError"][];
            /** Warnings */
            warnings: components["schemas"]["SpecError"][];
            estimate: components["schemas"]["Estimate"] | null;
        };
        /** VerifiedPart */
        VerifiedPart: {
            /** Sha256 */
            sha256: string;
            /**
             * State
             * @default verified
             * @constant
             */
            state: "verified";
        };
        /** VersionList */
        VersionList: {
            /** Items */
            items: components["schemas"]["DatasetVersionView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * WaitingAnswer
         * @description `position`: from 1, the order in which the runs go if nothing changes meanwhile. `not_before`: of a run that is to be tried again.
         */
        WaitingAnswer: {
            /** Position */
            position: number;
            /** Run Id */
            run_id: string;
            /** Name */
            name: string;
            /** Project */
            project: string;
            /** Priority */
            priority: number;
            /** Processes */
            processes: number;
            /** Device */
            device: string;
            /** Reason */
            reason: string;
            /** Created At */
            created_at: string;
            /** Not Before */
            not_before: string | null;
        };
        /**
         * WorkerAnswer
         * @description `state`: draining where it is online and nothing new is placed on it; halted where it takes nothing by its own word, refused where it
         *     speaks another version. `halted`: why, in either case. `draining`: that it is to be drained, also while it is lost.
         */
        WorkerAnswer: {
            /** Name */
            name: string;
            /**
             * State
             * @enum {string}
             */
            state: "online" | "draining" | "halted" | "refused" | "lost";
            /** Draining */
            draining: boolean;
            /** Halted */
            halted: string;
            /** Host */
            host: string;
            /** Slots */
            slots: components["schemas"]["SlotAnswer"][];
            /** Last Heartbeat */
            last_heartbeat: string | null;
        };
        /**
         * WorkerDraining
         * @description A person wants nothing new placed on it (`draining`), or offers it again.
         */
        WorkerDraining: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "WorkerDraining";
            /** Worker */
            worker: string;
            /** Draining */
            draining: boolean;
            /** By */
            by: string;
        };
        /**
         * WorkerHalted
         * @description It takes nothing for now: its host was stopped by hand or is about to go.
         */
        WorkerHalted: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "WorkerHalted";
            /** Worker */
            worker: string;
            /** Reason */
            reason: string;
        };
        /** WorkerJoined */
        WorkerJoined: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "WorkerJoined";
            /** Worker */
            worker: string;
            /** Slots */
            slots: number;
        };
        /** WorkerLost */
        WorkerLost: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "WorkerLost";
            /** Worker */
            worker: string;
            /** Reason */
            reason: string;
        };
        /** WorkerMetricsAnswer */
        WorkerMetricsAnswer: {
            /** Series */
            series: components["schemas"]["WorkerSeries"][];
            /**
             * Oldest
             * @description the first second that is kept of this worker, to the hour; null: there is none
             */
            oldest: number | null;
            /**
             * Newest
             * @description the last one
             */
            newest: number | null;
        };
        /** WorkerPage */
        WorkerPage: {
            /** Items */
            items: components["schemas"]["WorkerAnswer"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * WorkerSeries
         * @description Lists of the same length, an element per bucket, as for a run. `x`: the second of a bucket's first sample, since 1970.
         */
        WorkerSeries: {
            /** Name */
            name: string;
            /** X */
            x: number[];
            /** Min */
            min: (number | null)[];
            /** Max */
            max: (number | null)[];
            /** Mean */
            mean: (number | null)[];
            /** Last */
            last: (number | null)[];
            /** Count */
            count: number[];
            /** Nan */
            nan: number[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    alerts_list_alerts_api_v1_alerts_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                /** @description of this run; `cluster` and `worker.<name>` have some, too */
                run_id?: string | null;
                /** @description true: those that have not passed yet; false: those that have */
                open?: boolean | null;
                severity?: ("info" | "warning" | "critical") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_acknowledge_api_v1_alerts__alert_id__acknowledge_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcknowledgeBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    aliases_list_aliases_api_v1_aliases_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AliasPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    aliases_get_alias_api_v1_aliases__project___name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                project: string;
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    aliases_download_alias_api_v1_aliases__project___name__download_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                project: string;
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Found */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit_list_audit_api_v1_audit_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    monitor_audit_list_audit_api_v1_audit_monitor_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_list_checkpoints_api_v1_checkpoints_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                run_id?: string | null;
                project?: string | null;
                state?: ("committed" | "damaged" | "deleting") | null;
                alias?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_delete_checkpoints_api_v1_checkpoints_delete_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Deletion"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletionAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usage_show_usage_api_v1_checkpoints_usage_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_get_checkpoint_api_v1_checkpoints__checkpoint_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                checkpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_delete_checkpoint_api_v1_checkpoints__checkpoint_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                checkpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_change_checkpoint_api_v1_checkpoints__checkpoint_id__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                checkpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckpointChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedCheckpoint"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_verify_checkpoint_api_v1_checkpoints__checkpoint_id__verify_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                checkpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoint_files_download__id__download_get: {
        parameters: {
            query?: {
                include?: "weights" | "all";
            };
            header?: never;
            path: {
                /** @description as this service gave it */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoint_files_read_file__id__files__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as this service gave it */
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Found */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    datasets_list_datasets_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetList"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    datasets_list_versions__name__versions_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionList"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    datasets_show_version__name__versions__n__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetVersionView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    datasets_list_documents__name__versions__n__documents_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentList"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    datasets_list_files__name__versions__n__files_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileList"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    emergency_show_emergency_stop_api_v1_emergency_stop_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EmergencyAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    emergency_stop_everything_api_v1_emergency_stop_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmergencyBody"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EmergencyAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    emergency_end_emergency_stop_api_v1_emergency_stop_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    generate_generate_api_v1_generate_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerateBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerateAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_login_login_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_create_login_link_login_links_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginLink"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_logout_logout_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_me_me_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notifications_list_targets_api_v1_notifications_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TargetPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notifications_create_target_api_v1_notifications_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TargetBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewTargetAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notifications_list_deliveries_api_v1_notifications_deliveries_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                target_id?: string | null;
                state?: ("pending" | "delivered" | "dead" | "dropped") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notifications_delete_target_api_v1_notifications__target_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    notifications_test_target_api_v1_notifications__target_id__test_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    shares_put_share_api_v1_projects__name__share_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ShareBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    queue_show_queue_api_v1_queue_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    queue_pause_queue_api_v1_queue_pause_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PauseBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PauseAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    queue_reopen_queue_api_v1_queue_pause_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs_list_runs_api_v1_runs_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                state?: components["schemas"]["RunState"] | null;
                project?: string | null;
                /** @description part of the name */
                q?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs_create_run_api_v1_runs_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunSpec"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmittedRun"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs_validate_run_api_v1_runs_validate_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunSpec"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Validation"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs_get_run_api_v1_runs__run_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs_delete_run_api_v1_runs__run_id__delete: {
        parameters: {
            query?: {
                /** @description also where checkpoints are pinned or have aliases */
                force?: boolean;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkpoints_list_checkpoints_of_run_api_v1_runs__run_id__checkpoints_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    commands_list_commands_api_v1_runs__run_id__commands_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    commands_request_command_api_v1_runs__run_id__commands_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandBody"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandRequestedAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    events_list_events_api_v1_runs__run_id__events_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                /** @description what comes first; a cursor goes on in the order that gave it */
                order?: "oldest" | "newest";
                /** @description only events of this type */
                type?: string | null;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forks_fork_run_api_v1_runs__run_id__fork_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForkBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logs_list_log_lines_api_v1_runs__run_id__logs_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                /** @description what comes first; a cursor goes on in the order that gave it */
                order?: "oldest" | "newest";
                /** @description only lines of this process */
                rank?: number | null;
                /** @description no line before this one; lines are numbered from 0 per run, over all ranks and attempts */
                from_line?: number;
                /** @description only lines with this text, in upper or lower case */
                q?: string | null;
                /** @description only lines that tell an error */
                errors?: boolean;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics_read_metrics_api_v1_runs__run_id__metrics_get: {
        parameters: {
            query?: {
                /** @description metric names, separated by commas; without it all */
                names?: string | null;
                /** @description time: seconds since the run's first point */
                x?: "step" | "tokens" | "time";
                /** @description smallest x */
                from?: number | null;
                /** @description largest x */
                to?: number | null;
                /** @description largest number of buckets per series */
                buckets?: number;
                /** @description latest: where attempts overlap the highest wins; all: a series each */
                attempts?: "latest" | "all";
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_export_metrics_api_v1_runs__run_id__metrics_export_get: {
        parameters: {
            query: {
                /** @description tensorboard: a zip of event files */
                format: "csv" | "jsonl" | "parquet" | "tensorboard";
                /** @description metric names, separated by commas; without it all */
                names?: string | null;
                /** @description latest: where attempts overlap the highest wins; all: every point */
                attempts?: "latest" | "all";
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forks_replay_run_api_v1_runs__run_id__replay_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    events_list_samples_api_v1_runs__run_id__samples_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
                /** @description what comes first; a cursor goes on in the order that gave it */
                order?: "oldest" | "newest";
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SamplePage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokenizers_list_tokenizers_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenizerList"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokenizers_create_tokenizer_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTokenizer"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenizerView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokenizers_show_tokenizer__name__versions__n__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenizerView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokenizers_encode__name__versions__n__encode_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
                n: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Text"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Encoded"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_list_tokens_api_v1_tokens_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_create_token_api_v1_tokens_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewTokenAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_delete_token_api_v1_tokens__token_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploads_create_upload_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUpload"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploads_show_upload__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as this service gave it */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploads_complete__id__complete_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as this service gave it */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetVersionView"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetVersionView"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploads_verify_upload_part__id__parts__sha256__post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as this service gave it */
                id: string;
                sha256: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifiedPart"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    workers_list_workers_api_v1_workers_get: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerPage"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    workers_drain_worker_api_v1_workers__name__drain_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DrainBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    worker_metrics_read_worker_metrics_api_v1_workers__name__metrics_get: {
        parameters: {
            query?: {
                /** @description metric names, separated by commas; without it all */
                names?: string | null;
                /** @description seconds since 1970; without it ten minutes before `to` */
                from?: number | null;
                /** @description seconds since 1970; without it now */
                to?: number | null;
                /** @description largest number of buckets per series, but for one more at an edge */
                buckets?: number;
            };
            header?: never;
            path: {
                /** @description lower-case letters, digits, '.', '_' and '-', at most 63 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerMetricsAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tickets_issue_ticket_api_v1_ws_tickets_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TicketAnswer"];
                };
            };
            /** @description A problem */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
