;;; What the tests set beside a user's settings. -*- lexical-binding: t; -*-
;; In: TEST_INIT, the user's settings; TEST_SOCKET, where the tests ask what is shown.

(dolist (folder (file-expand-wildcards "/usr/share/emacs/site-lisp/elpa-src/*")) (add-to-list 'load-path folder))
(setq user-emacs-directory (file-name-as-directory (make-temp-file "emacs" t))
      inhibit-startup-screen t
      suggest-key-bindings nil ; the pause after M-x may lose a key that is typed in it
      eglot-confirm-server-initiated-edits nil
      eglot-autoshutdown t
      python-indent-guess-indent-offset-verbose nil
      create-lockfiles nil
      make-backup-files nil
      auto-save-default nil)
(setq-default indent-tabs-mode nil)
(menu-bar-mode -1)
(require 'json)
(load (getenv "TEST_INIT"))

(defvar test-frame (selected-frame))
(require 'server)
(setq server-socket-dir (directory-file-name (file-name-directory (getenv "TEST_SOCKET")))
      server-name (file-name-nondirectory (getenv "TEST_SOCKET")))
(set-file-modes server-socket-dir #o700) ; else Emacs does not trust it
(server-start)
