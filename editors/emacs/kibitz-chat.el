;;; kibitz-chat.el --- Questions to Kibitz, in conversations that the server keeps -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; `kibitz-ask' asks, `kibitz-stop' stops the answer, `kibitz-continue' asks for its rest, `kibitz-chats' opens an earlier
;; conversation, `kibitz-new-chat' begins one.  TAB completes @file:, @symbol: and /explain in a question.

;;; Code:

(require 'kibitz)

(defvar kibitz--session nil "The conversation's id on the server, or nil.")
(defvar kibitz--chat-folder nil "The URI of a file in the workspace folder that keeps the conversation.")
(defvar kibitz--answering nil "The token of the answer that is being written, or nil.")

(defvar kibitz-chat-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'forward-button)
    (define-key map (kbd "a") #'kibitz-ask)
    (define-key map (kbd "c") #'kibitz-continue)
    (define-key map (kbd "o") #'kibitz-chats)
    (define-key map (kbd "C-c C-c") #'kibitz-stop)
    map)
  "The keys of a chat; RET opens the place at point.")

(define-derived-mode kibitz-chat-mode special-mode "Kibitz"
  "An answer, with places that can be opened."
  (visual-line-mode 1))

(defun kibitz--chat-buffer ()
  "The chat's buffer, which is made if there is none."
  (with-current-buffer (get-buffer-create "*kibitz*")
    (unless (derived-mode-p 'kibitz-chat-mode) (kibitz-chat-mode))
    (current-buffer)))

(defun kibitz--write (write)
  "Call WRITE at the end of the chat, and follow it in its windows."
  (with-current-buffer (kibitz--chat-buffer)
    (let ((inhibit-read-only t) (windows (get-buffer-window-list nil nil t)))
      (save-excursion (goto-char (point-max)) (funcall write))
      (dolist (window windows) (set-window-point window (point-max))))))

(defun kibitz--append (text)
  "Write TEXT at the end of the chat."
  (kibitz--write (lambda () (insert text))))

(defun kibitz--open (uri line)
  "Show LINE of the file URI in another window."
  (find-file-other-window (eglot--uri-to-path uri))
  (goto-char (point-min))
  (forward-line (1- line)))

(defun kibitz--insert-places (intro places)
  "Write INTRO and PLACES as buttons, where there are any."
  (when places
    (insert intro)
    (dolist (each places)
      (let ((uri (plist-get each :uri)) (line (plist-get each :start_line)))
        (insert "  ")
        (insert-text-button (format "%s:%d-%d" (plist-get each :path) line (plist-get each :end_line))
                            'action (lambda (_) (when uri (kibitz--open uri line))))))
    (insert "\n")))

(defun kibitz--place-key (place)
  "What tells PLACE from others."
  (list (plist-get place :path) (plist-get place :start_line) (plist-get place :end_line)))

(defun kibitz--tail (answer)
  "Write what follows ANSWER: the places that it names, what else was in its prompt, what the server notes."
  (let* ((cited (append (plist-get answer :citations) nil))
         (read (cl-set-difference (append (plist-get answer :sources) nil) cited :key #'kibitz--place-key :test #'equal)))
    (kibitz--write
     (lambda ()
       (insert "\n\n")
       (kibitz--insert-places "cited:" cited)
       (kibitz--insert-places "read:" (nreverse read))
       (seq-doseq (note (plist-get answer :notes)) (insert note "\n"))
       (when (equal (plist-get answer :finish_reason) "length")
         (insert "The answer was cut at its length: M-x kibitz-continue asks for the rest.\n"))
       (insert "\n")))))

(defun kibitz--file-uri ()
  "The URI of this buffer's file if the server has it, else nil."
  (and buffer-file-name (eglot-managed-p) (plist-get (kibitz--document) :uri)))

(defun kibitz--chat (params)
  "Send a question's PARAMS in the conversation, which is begun if there is none."
  (kibitz-stop)
  (unless kibitz--session
    ;; Of our choice, so that a question that is stopped has a session to go on in.
    (setq kibitz--session (format "%08x%08x" (random (ash 1 32)) (random (ash 1 32)))
          kibitz--chat-folder (kibitz--file-uri)))
  (let* ((token (format "kibitz-%s" (cl-gensym)))
         (mine (lambda () (equal kibitz--answering token)))
         (end (lambda () (remhash token kibitz--listeners) (setq kibitz--answering nil))))
    (puthash token
             (lambda (value)
               (when (and (funcall mine) (plist-get value :delta))
                 (kibitz--append (plist-get value :delta))))
             kibitz--listeners)
    (display-buffer (kibitz--chat-buffer))
    (setq kibitz--answering token)
    (kibitz--send
     :kibitz/chat
     (append params (list :session kibitz--session :partialResultToken token :workDoneToken token)
             (and kibitz--chat-folder (list :folder kibitz--chat-folder)))
     (lambda (answer) (when (funcall mine) (funcall end) (kibitz--tail answer)))
     (lambda (sentence) (when (funcall mine) (funcall end) (kibitz--append (format "\n%s\n\n" sentence)))))))

(defun kibitz--complete-question ()
  "Complete what is before point in the minibuffer: the mentions and prompts that the server offers."
  (let* ((text (buffer-substring-no-properties (minibuffer-prompt-end) (point)))
         (answer (with-current-buffer (window-buffer (minibuffer-selected-window))
                   (ignore-errors ; without a server, or in time, there is nothing to complete with
                     (jsonrpc-request (kibitz--server) :kibitz/mentions
                                      (append (list :text text)
                                              (and (kibitz--file-uri) (list :folder (kibitz--file-uri))))
                                      :timeout 1))))
         (items (append (plist-get answer :items) nil)))
    (when items
      (list (- (point) (plist-get (car items) :replaces)) (point)
            (mapcar (lambda (item) (plist-get item :insertText)) items)))))

(defun kibitz--read-question ()
  "Read a question; TAB completes mentions and prompts in it."
  (let ((map (copy-keymap minibuffer-local-map)))
    (define-key map (kbd "TAB") #'completion-at-point)
    (minibuffer-with-setup-hook
        (lambda () (add-hook 'completion-at-point-functions #'kibitz--complete-question nil t))
      (read-from-minibuffer "Ask Kibitz: " nil map))))

;;;###autoload
(defun kibitz-ask (question &optional from to)
  "Ask QUESTION about the workspace; the region between FROM and TO is attached."
  (interactive (cons (kibitz--read-question)
                     (and (use-region-p) (list (region-beginning) (region-end)))))
  (let ((selected (and from (list :textDocument (kibitz--document) :range (kibitz--lines from to)))))
    (kibitz-stop)
    (kibitz--append (format "* %s\n\n" question))
    (kibitz--chat (append (list :question question)
                          (and (kibitz--file-uri) (list :textDocument (kibitz--document)))
                          (and selected (list :selection selected :attachments (vector selected)))))))

;;;###autoload
(defun kibitz-continue ()
  "Ask for the rest of an answer that was cut or stopped."
  (interactive)
  (unless kibitz--session
    (user-error "There is no answer to continue: M-x kibitz-chats opens an earlier conversation"))
  (kibitz--chat (list :goOn t)))

;;;###autoload
(defun kibitz-stop ()
  "Stop the answer that is being written; what came so far stays."
  (interactive)
  (when kibitz--answering
    (remhash kibitz--answering kibitz--listeners)
    (jsonrpc-notify (kibitz--server) :window/workDoneProgress/cancel (list :token kibitz--answering))
    (setq kibitz--answering nil)
    (kibitz--append "\n\nStopped.\n\n")))

;;;###autoload
(defun kibitz-new-chat ()
  "Begin a conversation from nothing; the one before stays on the server."
  (interactive)
  (kibitz-stop)
  (setq kibitz--session nil kibitz--chat-folder nil)
  (with-current-buffer (kibitz--chat-buffer) (let ((inhibit-read-only t)) (erase-buffer))))

(defun kibitz--show-chat (kept folder)
  "Show the conversation KEPT of FOLDER; the next question goes on in it."
  (kibitz-new-chat)
  (setq kibitz--session (plist-get kept :id) kibitz--chat-folder folder)
  (seq-doseq (turn (plist-get kept :turns))
    (if (equal (plist-get turn :role) "user")
        (kibitz--append (format "* %s\n\n" (plist-get turn :text)))
      (kibitz--append (plist-get turn :text))
      (kibitz--tail turn)))
  (display-buffer (kibitz--chat-buffer)))

(defun kibitz--choose-chat (sessions prompt)
  "Read the id of one of SESSIONS with PROMPT."
  (let ((names (mapcar (lambda (each)
                         (cons (format "%s  %s" (format-time-string "%d %b %H:%M:%S" (plist-get each :at))
                                       (plist-get each :title))
                               (plist-get each :id)))
                       sessions)))
    (cdr (assoc (completing-read prompt (lambda (text predicate action)
                                          (if (eq action 'metadata)
                                              '(metadata (display-sort-function . identity)) ; the latest first
                                            (complete-with-action action names text predicate)))
                                 nil t)
                names))))

;;;###autoload
(defun kibitz-chats (&optional delete)
  "Open an earlier conversation, or with a prefix argument DELETE one."
  (interactive "P")
  (let* ((folder (or (kibitz--file-uri) kibitz--chat-folder))
         (at (and folder (list :folder folder)))
         (answer (jsonrpc-request (kibitz--server) :kibitz/sessions (or at (make-hash-table))))
         (sessions (append (plist-get answer :sessions) nil)))
    (if (null sessions)
        (message "Kibitz: no conversation is kept for this workspace yet")
      (let ((id (kibitz--choose-chat sessions (if delete "Delete conversation: " "Open conversation: "))))
        (if delete
            (kibitz--send :kibitz/sessions (append (list :id id :delete t) at)
                          (lambda (_) (when (equal id kibitz--session) (kibitz-new-chat))))
          (kibitz--send :kibitz/sessions (append (list :id id) at)
                        (lambda (answer) (kibitz--show-chat (plist-get answer :session) folder))))))))

(provide 'kibitz-chat)
;;; kibitz-chat.el ends here
